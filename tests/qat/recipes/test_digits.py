"""Each paper's recipe on digits, shortened: it trains, and its checkpoint alone evaluates and exports."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from xnorflow.flows.evaluate import evaluate
from xnorflow.flows.export import export
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.freeze import freeze
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.layers import is_binary
from xnorflow.qat.recipe import load_recipe, shipped_recipes
from xnorflow.qat.training import run_training

RECIPES = [name for name in shipped_recipes() if name.startswith("digits/")]


def shortened(name: str) -> list[str]:
    stages = [stage.name for stage in load_recipe(name).stages]
    epochs = [f"stages.{stage}.train.epochs=2" for stage in stages] if stages else ["train.epochs=2"]
    return [*epochs, "data.limit_train=128"]


def test_every_paper_has_a_recipe() -> None:
    papers = ("apd", "bd-bnn", "bmd", "bnew", "bnext", "bop", "bop2", "combined", "proxquant", "r2b", "ste")
    assert [f"digits/{paper}" for paper in papers] == RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_a_shortened_recipe_gives_a_binary_network_that_exports_from_its_checkpoint_alone(name: str, tmp_path: Path) -> None:
    done = run_training(load_recipe(name, shortened(name)), tmp_path / "run")
    alone = done.checkpoint.rename(tmp_path / "alone.ckpt")
    assert evaluate(alone).accuracy == done.accuracy
    assert export(alone, tmp_path / "net.onnx", images=8).images == 8
    for layer in freeze(load_checkpoint(alone)[1]).modules():
        if is_binary(layer):
            assert set(torch.unique(layer.weight).tolist()) <= {-1.0, 1.0}


@pytest.mark.parametrize("name", ["digits/bnew", "digits/bop", "digits/bop2", "digits/combined", "digits/proxquant"])
def test_regularised_weights_are_signs_in_the_checkpoint_itself(name: str, tmp_path: Path) -> None:
    done = run_training(load_recipe(name, shortened(name)), tmp_path)
    for weight in latent_weights(load_checkpoint(done.checkpoint)[1]):
        assert set(torch.unique(weight.detach()).tolist()) == {-1.0, 1.0}
