"""Phases of a paper as stages: what one leaves the next keeps, freezes or takes up."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.estimators import sign
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.recipe import load_recipe
from xnorflow.qat.training import run_training

COMMON = {
    "model": {"name": "tfc", "width": 0.25},
    "data": {"source": "digits", "limit_train": 256},
    "train": {"epochs": 2, "batch_size": 64, "lr": 0.01, "schedule": "linear"},
}
BNEW = {
    "phase-1": {"quant": {"weight": "real"}, "method": {"rule": {"name": "latent-clip"}}},
    "phase-2": {
        "quant": {"weight": "real"},
        "method": {"start": "phase-1", "rule": {"name": "bnew", "arguments": {"rate": 0.3, "coupling": "none"}}},
    },
    "phase-3": {"quant": {"weight": "real"}, "train": {"lr": 0.02}, "method": {"start": "phase-2", "harden_at": 0}},
}
BMD = {
    "anneal": {"quant": {"weight": "tanh", "weight_settings": {"hard_at": 1.0}}},
    "frozen": {"train": {"groups": [{"kind": "binary", "lr": 0}]}, "method": {"start": "anneal"}},
}


def trained(folder: Path, stages: dict[str, object]) -> dict[str, list[Tensor]]:
    """The latent weights that each stage leaves."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(COMMON | {"stages": stages}, sort_keys=False))
    run_training(load_recipe(recipe), folder / "run")
    files = {name: folder / "run" / f"{name}.ckpt" for name in stages}
    files[list(stages)[-1]] = folder / "run" / "last.ckpt"
    return {name: [weight.detach() for weight in latent_weights(load_checkpoint(file)[1])] for name, file in files.items()}


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd"])
def test_a_group_of_rate_zero_keeps_its_weights_bit_for_bit(tmp_path: Path, optimiser: str) -> None:
    stages = BMD | {"frozen": {**BMD["frozen"], "train": {**BMD["frozen"]["train"], "optimiser": optimiser, "weight_decay": 0.1}}}
    left = trained(tmp_path, stages)
    assert all(torch.equal(old, new) for old, new in zip(left["anneal"], left["frozen"], strict=True))


def test_bnews_third_phase_begins_and_ends_with_the_signs_of_the_second(tmp_path: Path) -> None:
    left = trained(tmp_path, BNEW)
    assert not all(torch.equal(old, new) for old, new in zip(left["phase-1"], left["phase-2"], strict=True))
    for second, third in zip(left["phase-2"], left["phase-3"], strict=True):
        assert torch.equal(sign(second), third)
    assert all(float(weight.abs().max()) <= 1.0 for weight in left["phase-1"])


def test_bop_goes_on_from_real_weights_with_their_signs(tmp_path: Path) -> None:
    stages = {
        "real": {"quant": {"weight": "real"}},
        "flipped": {"train": {"bop": {"gamma": 1e-12, "threshold": 1.0}}, "method": {"start": "real"}},
    }
    left = trained(tmp_path, stages)
    assert all(torch.equal(sign(old), new) for old, new in zip(left["real"], left["flipped"], strict=True))


def test_a_stage_is_resumed_only_with_its_own_augmentations(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    stages = {"first": {}, "second": {"data": {"crop": 1}, "method": {"start": "first"}}}
    recipe.write_text(yaml.safe_dump(COMMON | {"stages": stages}, sort_keys=False))
    half = run_training(load_recipe(recipe), tmp_path / "run", stop_after=3).checkpoint
    with pytest.raises(BadInputError, match="resume takes the same recipe"):
        run_training(load_recipe(recipe, ["stages.second.data.crop=2"]), tmp_path / "other", resume=half)
    first, second = (load_checkpoint(tmp_path / "run" / f"{name}.ckpt")[0].augment for name in ("first", "last"))
    assert [len(lines) for lines in (first, second)] == [0, 1]
    whole = run_training(load_recipe(recipe), tmp_path / "whole").checkpoint
    rest = run_training(load_recipe(recipe), tmp_path / "rest", resume=half).checkpoint
    states = [torch.load(file, weights_only=True)["state_dict"] for file in (whole, rest)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
