"""Each paper's recipe on digits, shortened: it trains, and its checkpoint alone evaluates and exports."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from xnorflow.flows.evaluate import evaluate
from xnorflow.flows.export import export
from xnorflow.flows.integerise import integerise
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.freeze import freeze
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.layers import is_binary
from xnorflow.qat.recipe import load_recipe, shipped_recipes
from xnorflow.qat.training import run_training

RECIPES = [name for name in shipped_recipes() if name.startswith("digits/")]
RESIDUAL = [name for name in RECIPES if load_recipe(name).model.name != "cnv-small"]
PLAIN = [name for name in RECIPES if name not in RESIDUAL]
# What integerise takes for 18 layers; the tests of integerise have the families at smaller sizes.
SLOW = {"digits/apd-reactnet-18", "digits/bnext-18", "digits/r2b-resnet-18"}
SHORT = {"epochs": "2", "schedule": "constant", "step_epochs": "[]", "lr_end": "0", "warmup_epochs": "0", "warmup_lr": "0"}


def shortened(name: str) -> list[str]:
    stages = [f"stages.{stage.name}." for stage in load_recipe(name).stages] or [""]
    return [*(f"{stage}train.{key}={value}" for stage in stages for key, value in SHORT.items()), "data.limit_train=128"]


def test_every_paper_has_a_recipe() -> None:
    papers = ("apd", "bd-bnn", "bmd", "bnew", "bnext", "bop", "bop2", "combined", "r2b", "ste")
    assert [f"digits/{paper}" for paper in papers] == PLAIN


def test_every_paper_has_a_recipe_with_its_own_network() -> None:
    networks = {name: load_recipe(name).model.name for name in RESIDUAL}
    assert networks == {
        "digits/apd-reactnet-18": "reactnet-18",
        "digits/bd-bnn-resnet-20": "bireal-20",
        "digits/bnew-resnet-20": "reactnet-20",
        "digits/bnext-18": "bnext-18",
        "digits/proxquant-resnet-20": "bireal-20",
        "digits/r2b-resnet-18": "real-to-binary-18",
    }


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in RESIDUAL])
def test_a_shortened_recipe_gives_a_residual_network_that_becomes_integers(name: str, tmp_path: Path) -> None:
    done = run_training(load_recipe(name, [*shortened(name), "model.width=0.125"]), tmp_path / "run")
    alone = done.checkpoint.rename(tmp_path / "alone.ckpt")
    assert evaluate(alone).accuracy == done.accuracy
    integers = integerise(alone, tmp_path / "integers")
    assert integers.steps[0].accuracy == done.accuracy
    assert export(integers.checkpoint, tmp_path / "net.onnx", images=8).images == 8


@pytest.mark.parametrize("name", PLAIN)
def test_a_shortened_recipe_gives_a_binary_network_that_exports_from_its_checkpoint_alone(name: str, tmp_path: Path) -> None:
    done = run_training(load_recipe(name, shortened(name)), tmp_path / "run")
    alone = done.checkpoint.rename(tmp_path / "alone.ckpt")
    assert evaluate(alone).accuracy == done.accuracy
    assert export(alone, tmp_path / "net.onnx", images=8).images == 8
    for layer in freeze(load_checkpoint(alone)[1]).modules():
        if is_binary(layer):
            assert set(torch.unique(layer.weight).tolist()) <= {-1.0, 1.0}


@pytest.mark.parametrize("name", ["digits/bnew", "digits/bop", "digits/bop2", "digits/combined", "digits/proxquant-resnet-20"])
def test_regularised_weights_are_signs_in_the_checkpoint_itself(name: str, tmp_path: Path) -> None:
    done = run_training(load_recipe(name, shortened(name)), tmp_path)
    for weight in latent_weights(load_checkpoint(done.checkpoint)[1]):
        assert set(torch.unique(weight.detach()).tolist()) == {-1.0, 1.0}
