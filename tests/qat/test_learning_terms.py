"""Parameters of a loss term are trained and resumed with the network, and are no part of it."""

from __future__ import annotations

from pathlib import Path

import torch

from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.recipe import load_recipe
from xnorflow.qat.training import run_training

LEARNED = "{name: distribution, weight: 0.1, arguments: {match: learned, widths: [8, 16]}}"
RECIPE = """
model: {name: cnv-small, width: 0.25}
data: {source: digits, limit_train: 128}
train: {epochs: 2, batch_size: 64, lr: 0.01}
stages:
  wide:
    model: {width: 0.5}
    quant: {weight: real, activation: tanh}
    train: {epochs: 1}
  student:
    method:
      taps: [TAP]
      teachers: [{stage: wide}]
      terms: [{name: teacher-group}, LEARNED]
"""


def test_a_learned_map_is_trained_resumed_and_left_out_of_the_network(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace("LEARNED", LEARNED).replace("TAP", '"12"'))
    whole = run_training(load_recipe(path), tmp_path / "whole").checkpoint
    half = run_training(load_recipe(path), tmp_path / "half", stop_after=2).checkpoint
    rest = run_training(load_recipe(path), tmp_path / "rest", resume=half).checkpoint
    states = [torch.load(each, weights_only=True)["state_dict"] for each in (whole, half, rest)]
    (key,) = (key for key in states[0] if key.startswith("parts."))
    assert not torch.equal(states[0][key], states[1][key])
    assert torch.equal(states[0][key], states[2][key])
    assert not any("parts" in name for name, _ in load_checkpoint(whole)[1].named_parameters())
