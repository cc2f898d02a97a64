"""A training that diverges stops at the step, and leaves the last good checkpoint."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.classifier import BinaryClassifier
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.loop.watch import DivergenceWatch
from xnorflow.qat.recipe import Recipe, load_recipe
from xnorflow.qat.training import run_training


def recipe(*settings: str) -> Recipe:
    return load_recipe("tfc-digits", ["train.epochs=3", "data.limit_train=96", "train.batch_size=24", "model.width=0.25", *settings])


def spoil(monkeypatch: pytest.MonkeyPatch, at: int, how: str) -> list[int]:
    """Make the loss, its gradient or a weight NaN at a step; gives the steps that were begun."""
    step, steps = BinaryClassifier.training_step, []

    def spoiled(self: BinaryClassifier, batch: tuple[Tensor, Tensor]) -> Tensor:
        steps.append(self.global_step)
        loss = step(self, batch)
        if self.global_step == at:
            if how == "loss":
                return loss * float("nan")
            if how == "gradient":
                weight = latent_weights(self.network)[0]
                return loss + (weight * 0).abs().sqrt().sum() * 0  # the slope of a root at zero
            latent_weights(self.network)[-1].data[0, 0] = float("nan")
        return loss

    monkeypatch.setattr(BinaryClassifier, "training_step", spoiled)
    return steps


@pytest.mark.parametrize(("how", "fault"), [("loss", "the loss is nan"), ("gradient", "the norm of the gradients is nan")])
def test_it_stops_at_the_step_and_keeps_the_checkpoint(how: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = run_training(recipe(), tmp_path / "good", stop_after=1)
    steps = spoil(monkeypatch, 6, how)
    file = tmp_path / "run" / "last.ckpt"
    message = rf"^training diverged in stage last, epoch 1, step 6: {fault}; lower train\.lr; the last good checkpoint is {file}$"
    with pytest.raises(BadInputError, match=message):
        run_training(recipe(), tmp_path / "run")
    assert steps == list(range(7))
    kept, expected = (torch.load(path, weights_only=True)["state_dict"] for path in (file, good.checkpoint))
    assert all(torch.equal(kept[name], value) for name, value in expected.items())


def test_a_weight_that_is_none_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sign of NaN is a sign, so that a spoiled latent weight leaves the loss a number."""
    spoil(monkeypatch, 11, "weight")
    with pytest.raises(BadInputError, match=r"diverged in stage last, epoch 2, step 12: network\.\d+\.weight is not finite; lower train\.lr"):
        run_training(recipe(), tmp_path)
    info, network = load_checkpoint(tmp_path / "last.ckpt")
    assert info.metrics["train/loss"] > 0
    assert all(bool(torch.isfinite(value).all()) for value in network.state_dict().values() if isinstance(value, Tensor))
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 8


def test_the_stage_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, 1, "loss")
    settings = ["data.limit_train=128", "model.width=0.25", "train.batch_size=64"]
    with pytest.raises(BadInputError, match=r"in stage teacher, epoch 0, step 1: the loss is nan; lower train\.lr; no checkpoint was written"):
        run_training(load_recipe("digits/bd-bnn", settings), tmp_path)


class OnDevice:
    """A value that a device has not computed yet when it is handed over."""

    is_cuda = True

    def __init__(self, value: float) -> None:
        self.value = value
        self.read = False

    def detach(self) -> OnDevice:
        return self

    def __float__(self) -> float:
        self.read = True
        return self.value


def test_a_device_is_waited_for_one_step_later() -> None:
    watch = DivergenceWatch("last", Path("none.ckpt"), "32-true")
    values = [OnDevice(value) for value in (1.0, math.inf, 1.0)]
    for step, value in enumerate(values[:2]):
        watch.on_before_backward(SimpleNamespace(global_step=step, world_size=1, current_epoch=0), None, value)
    assert [value.read for value in values] == [True, False, False]
    with pytest.raises(BadInputError, match="step 1: the loss is inf"):
        watch.on_before_backward(SimpleNamespace(global_step=2, world_size=1, current_epoch=0), None, values[2])


def test_a_checkpoint_waits_for_the_device() -> None:
    watch = DivergenceWatch("last", Path("none.ckpt"), "32-true")
    trainer = SimpleNamespace(global_step=0, world_size=1, current_epoch=0)
    watch.on_before_backward(trainer, None, OnDevice(math.nan))
    with pytest.raises(BadInputError, match="step 0: the loss is nan"):
        watch.on_save_checkpoint(trainer, None, {"state_dict": {}})
