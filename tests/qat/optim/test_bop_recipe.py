"""Bop from a recipe: signs from the first step to the checkpoint, resumed bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.models import build
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.optim.bop import BopSettings
from xnorflow.qat.optim.build import build_optimiser
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import Recipe, load_recipe
from xnorflow.qat.train_settings import TrainSettings
from xnorflow.qat.training import run_training

SHORT = ["train.epochs=3", "data.limit_train=256", "model.width=0.25"]
FORMS = {"bop": "{gamma: 1e-3, threshold: 1e-6}", "bop2": "{gamma: 1e-3, threshold: 1e-2, sigma: 1e-2, schedule: cosine}"}


def short(*settings: str) -> Recipe:
    return load_recipe("tfc-digits", [*SHORT, *settings])


@pytest.mark.parametrize("form", FORMS)
def test_a_resumed_run_equals_an_uninterrupted_one_and_holds_signs(tmp_path: Path, form: str) -> None:
    recipe = short(f"train.bop={FORMS[form]}", "train.groups=[{kind: norm, lr: 0.5}]")
    whole = run_training(recipe, tmp_path / "whole")
    half = run_training(recipe, tmp_path / "half", stop_after=1)
    rest = run_training(recipe, tmp_path / "rest", resume=half.checkpoint)
    first, second, middle = (torch.load(done.checkpoint, weights_only=True)["state_dict"] for done in (whole, rest, half))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], middle[name]) for name in first)
    for weight in latent_weights(load_checkpoint(rest.checkpoint)[1]):
        assert set(weight.detach().unique().tolist()) == {-1.0, 1.0}


def test_a_checkpoint_without_the_state_of_a_part_is_refused(tmp_path: Path) -> None:
    recipe = short(f"train.bop={FORMS['bop']}")
    half = run_training(recipe, tmp_path, stop_after=1)
    content = torch.load(half.checkpoint, weights_only=True)
    for damage in ([], [{"state": {}}], "parts"):
        content["optimizer_states"] = [{"parts": damage}]
        torch.save(content, half.checkpoint)
        with pytest.raises(BadInputError, match="the state of its trainer or optimiser is damaged"):
            run_training(recipe, tmp_path, resume=half.checkpoint)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("quant.weight=real", r"stage last: train\.bop holds signs, which take quant\.weight ste \(it is real\) and no method\.rule"),
        ("method.rule={name: latent-clip}", r"no method\.rule"),
        ("train.bop={gamma: 2}", r"train\.bop: gamma 2\.0 or sigma None is not in \(0, 1\]"),
        ("train.bop={sigma: 0}", r"sigma 0\.0 is not in \(0, 1\]"),
        ("train.bop={gamma_end: 1}", r"or gamma_end 1\.0 not between 0 and gamma"),
        ("train.bop={threshold: -1}", r"train\.bop: threshold -1\.0 is negative"),
        ("train.bop={schedule: step}", "schedule 'step' is not known; known are cosine, linear, constant"),
        ("train.bop={schedule: constant, gamma_end: 1e-5}", "this one is constant"),
        ("train.bop={tau: 1}", "key 'tau' is not known; known are gamma, threshold, sigma, schedule, gamma_end"),
    ],
)
def test_settings_that_bop_cannot_use_are_refused(setting: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        short("train.bop={}", setting) if not setting.startswith("train.bop") else short(setting)


def test_a_network_without_binary_weights_is_refused() -> None:
    network = quantise(build("tfc", input_shape=(1, 8, 8), num_classes=10, weight_bits=2))
    with pytest.raises(BadInputError, match=r"train\.bop flips binary weights, and the network has none"):
        build_optimiser(network, TrainSettings(1, bop=BopSettings()))
