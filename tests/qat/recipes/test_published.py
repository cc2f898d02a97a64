"""The recipes with published settings: complete, consistent with their networks, and able to train."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models import ModelConfig, build_config
from xnorflow.qat.binarisers.schedule import hardening_epoch, scaled_gamma
from xnorflow.qat.inherit import inherit
from xnorflow.qat.loop.settings import LoopSettings
from xnorflow.qat.method import TeacherSettings
from xnorflow.qat.optim.bop import BopSettings
from xnorflow.qat.optim.build import build_optimiser
from xnorflow.qat.optim.groups import KINDS, GroupSettings
from xnorflow.qat.optim.rates import SCHEDULES
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import Stage, load_recipe, shipped_recipes
from xnorflow.qat.regularise.kurtosis import regularised_weights
from xnorflow.qat.taps import FeatureTaps
from xnorflow.qat.terms import Observation
from xnorflow.qat.train_settings import OPTIMISERS, TrainSettings
from xnorflow.qat.training import run_training

PAGE = (Path(__file__).parents[3] / "docs" / "recipes.md").read_text()
PUBLISHED = [name for name in shipped_recipes() if name.startswith(("cifar10/", "cifar100/", "imagenet/"))]
CIFAR = [name for name in PUBLISHED if name.startswith("cifar")]
TAUGHT = [name for name in PUBLISHED if name.startswith("imagenet/") and load_recipe(name).chain()[0].method.teachers]
BATCH, CLASSES = 6, 2


def stages(name: str) -> list[str]:
    return [f"stages.{stage.name}." for stage in load_recipe(name).stages] or [""]


def shortened(name: str) -> list[str]:
    """One step of every stage, of a network with an eighth of the channels."""
    one_step = ("epochs=1", f"batch_size={BATCH}", "warmup_epochs=0", "warmup_lr=0", "lr_end=0", "schedule=constant", "step_epochs=[]")
    return ["model.width=0.125", *(f"{stage}train.{setting}" for stage in stages(name) for setting in one_step)]


def built(stage: Stage, side: int) -> nn.Module:
    model = stage.model
    shape = (3, side, side)
    config = ModelConfig(model.name, shape, CLASSES, 0.125, model.padding_value, dropout=model.dropout, options=model.options)
    return quantise(build_config(config), stage.quant)


def test_the_page_lists_every_recipe() -> None:
    assert sorted(re.findall(r"^\| `([a-z0-9]+/[a-z0-9-]+)` \|", PAGE, flags=re.MULTILINE)) == [name for name in shipped_recipes() if "/" in name]


def test_the_page_describes_every_setting() -> None:
    words = set(re.findall(r"[a-z_]+", PAGE))
    for settings in (TrainSettings, GroupSettings, BopSettings):
        own = {field.name for field in dataclasses.fields(settings)} - {field.name for field in dataclasses.fields(LoopSettings)}
        assert own <= words, settings
    for names in (KINDS, SCHEDULES, OPTIMISERS):
        assert set(re.findall(r"[a-z]+", " ".join(names))) <= words


@pytest.mark.parametrize("name", CIFAR)
def test_a_recipe_for_cifar_trains_every_stage(name: str, data_folders, tmp_path: Path) -> None:
    data_folders.images(size=(16, 16))
    done = run_training(load_recipe(name, [*shortened(name), f"data.source=folder={data_folders.root}"]), tmp_path / "run")
    assert done.accuracy is not None
    assert done.train_images == BATCH


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name not in CIFAR])
def test_a_recipe_for_imagenet_fits_its_networks_and_takes_a_step(name: str) -> None:
    torch.manual_seed(0)
    earlier: dict[str, nn.Module] = {}
    for stage in load_recipe(name).chain():
        network = built(stage, 96)
        if stage.method.start is not None:
            inherit(network, earlier[stage.method.start])
        optimiser = build_optimiser(network, stage.train)
        taps = FeatureTaps(network, stage.method.taps)
        logits = network(torch.randn(BATCH, 3, 96, 96))
        features, teachers = taps.ordered(), stage.method.teachers
        taught = [torch.randn_like(logits) for _ in teachers if not _.assistant]
        taught += [torch.randn_like(logits) for _ in teachers if _.assistant][:1]
        weights = regularised_weights(network)
        seen = Observation(
            logits,
            torch.arange(BATCH) % CLASSES,
            teacher_logits=taught,
            features=features,
            teacher_features=[[torch.rand_like(feature) for feature in features] for _ in teachers],
            weights=weights,
            teacher_weights=[torch.randn_like(weight) for weight in weights] if teachers else (),
        )
        before = [parameter.detach().clone() for parameter in network.parameters()]
        loss, _ = stage.method.loss(stage.train.loss)(seen, 1, 1)
        loss.backward()
        optimiser.step()
        assert bool(loss.isfinite())
        assert not all(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
        taps.close()
        earlier[stage.name] = network


@pytest.mark.parametrize("name", TAUGHT)
def test_missing_weights_of_a_teacher_are_refused_with_the_way_to_provide_them(name: str, data_folders, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    data_folders.images(size=(64, 64))
    settings = [*shortened(name), f"data.source=folder={data_folders.root}", "data.size=64", "data.workers=0"]
    first = load_recipe(name).chain()[0].method.teachers[0]
    with pytest.raises(BadInputError, match=rf"teachers/{first.torchvision}\.pth.*do(es)? not exist.*torch\.save\(") as refused:
        run_training(load_recipe(name, settings), tmp_path / "run")
    assert "\n" not in str(refused.value)


def torchvision_teachers() -> set[TeacherSettings]:
    return {teacher for name in PUBLISHED for stage in load_recipe(name).chain() for teacher in stage.method.teachers if teacher.torchvision}


@pytest.mark.parametrize("teacher", sorted(torchvision_teachers(), key=repr), ids=lambda teacher: f"{teacher.torchvision}-{len(teacher.taps)}")
def test_a_teacher_exists_in_torchvision_with_its_taps(teacher: TeacherSettings) -> None:
    with torch.device("meta"):
        network = torchvision.models.get_model(str(teacher.torchvision), weights=None)
    FeatureTaps(network, teacher.taps).close()
    assert teacher.weights == f"teachers/{teacher.torchvision}.pth"


@pytest.mark.parametrize("name", [name for name in PUBLISHED if "/bnext-" in name])
def test_bnexts_weights_harden_in_the_published_epoch(name: str) -> None:
    recipe = load_recipe(name)
    threshold, hard_at = recipe.quant.weight_settings["threshold"], recipe.quant.weight_settings["hard_at"]
    assert threshold == (1e-5 if name.endswith("-18") else 1e-7)
    gamma = scaled_gamma(threshold, hard_at, recipe.train.epochs)
    assert gamma == pytest.approx(0.9, abs=1e-4)
    assert hardening_epoch(threshold, gamma) == hardening_epoch(threshold, 0.9)


def test_a_stage_varies_images_in_its_own_way_and_no_other() -> None:
    names = [[line.name for line in stage.data.augment] for stage in load_recipe("imagenet/r2b-resnet-18").chain()]
    assert names == [["random-resized-crop", "flip", "colour-jitter"]] * 3 + [["random-resized-crop", "flip"]]
