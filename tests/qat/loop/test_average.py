"""Averaged weights, clipped gradients and precision, against a loop written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.flows.evaluate import evaluate
from xnorflow.models import build_config
from xnorflow.models.layers import ScalarNorm
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.classifier import BinaryClassifier
from xnorflow.qat.data.module import ImageData
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.loop.devices import Devices
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import Recipe, load_recipe
from xnorflow.qat.training import accuracy, cpu_threads, describe, run_training

DECAY = 0.75


def recipe(*settings: str) -> Recipe:
    short = ["train.epochs=2", "data.limit_train=96", "train.batch_size=24", "model.width=0.25", "train.schedule=constant"]
    return load_recipe("tfc-digits", [*short, *settings])


def by_hand(clip: float = 0.0) -> tuple[list[dict[str, Tensor]], list[float]]:
    """The network's state after each step, and the norm of each step's gradients."""
    plain = recipe()
    train = load_split("digits", "train").shuffled(0).head(96)
    torch.manual_seed(0)
    network, pixels = quantise(build_config(describe(plain, train).config)), PixelTable(plain.data.pixel_norm(), 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    data, states, norms = ImageData(train, train, batch_size=24), [], []
    with cpu_threads(1):
        for epoch in range(2):
            data.sampler.set_epoch(epoch)
            for images, labels in data.train_dataloader():
                optimizer.zero_grad()
                functional.cross_entropy(network(pixels(images)), labels).backward()
                norms.append(float(torch.nn.utils.clip_grad_norm_(network.parameters(), clip or float("inf"))))
                optimizer.step()
                with torch.no_grad():
                    for weight in latent_weights(network):
                        weight.clamp_(-1.0, 1.0)
                states.append({name: value.clone() for name, value in network.state_dict().items() if isinstance(value, Tensor)})
    return states, norms


def test_the_average_is_what_is_evaluated_and_exported(tmp_path: Path) -> None:
    states, _ = by_hand()
    done = run_training(recipe(f"train.ema={DECAY}"), tmp_path)
    _, network = load_checkpoint(done.checkpoint)
    averaged = 0
    for name, value in network.state_dict().items():
        if name.rpartition(".")[2] in ("weight", "bias", "running_mean", "running_var"):
            expected = states[0][name]
            for state in states[1:]:
                expected = DECAY * expected + (1 - DECAY) * state[name]
            torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
            averaged += not torch.equal(value, states[-1][name])
    assert averaged > 8
    own = torch.load(done.checkpoint, weights_only=True)["averaged"]["own"]
    assert all(torch.equal(value, states[-1][name]) for name, value in own.items())
    info, network = load_checkpoint(done.checkpoint)
    assert accuracy(network, info.pixel_norm, load_split("digits", "test")) == done.accuracy == evaluate(done.checkpoint).accuracy
    binary = latent_weights(network)[0]
    layer = next(module for module in network.modules() if getattr(module, "weight", None) is binary)
    assert torch.equal(torch.sign(layer.quant_weight().value), torch.where(binary >= 0, 1.0, -1.0))


def test_the_average_is_validated_and_does_not_disturb_the_training(tmp_path: Path) -> None:
    plain = run_training(recipe(), tmp_path / "plain")
    averaged = run_training(recipe(f"train.ema={DECAY}"), tmp_path / "averaged")
    own = torch.load(averaged.checkpoint, weights_only=True)["averaged"]["own"]
    state = load_checkpoint(plain.checkpoint)[1].state_dict()
    assert all(torch.equal(state[name], value) for name, value in own.items())
    info, network = load_checkpoint(averaged.checkpoint)
    pixels = PixelTable(info.pixel_norm, 1)
    split = load_split("digits", "test")
    with torch.no_grad():
        right = (network(pixels(torch.from_numpy(split.images))).argmax(1) == torch.from_numpy(split.labels)).sum()
    assert info.metrics["val/accuracy"] == pytest.approx(float(right) / 360, abs=1e-6)


def test_a_stage_begins_with_the_average_of_the_one_before(tmp_path: Path) -> None:
    settings = ["stages.standard.train.epochs=1", "stages.stage-0.train.epochs=1", "data.limit_train=64", "train.batch_size=16"]
    chain = load_recipe("digits/r2b", [*settings, "train.ema=0.5", "stages.standard.model.width=0.25", "model.width=0.25"])
    run_training(chain, tmp_path, stop_after=2)
    _, teacher = load_checkpoint(tmp_path / "standard.ckpt")
    own = torch.load(tmp_path / "standard.ckpt", weights_only=True)["averaged"]["own"]
    assert any(not torch.equal(teacher.state_dict()[name], value) for name, value in own.items())


def test_gradients_are_clipped_to_a_norm(tmp_path: Path) -> None:
    _, norms = by_hand()
    clip = min(norms) / 2
    states, _ = by_hand(clip)
    done = run_training(recipe(f"train.gradient_clip={clip}"), tmp_path)
    state = load_checkpoint(done.checkpoint)[1].state_dict()
    assert all(torch.equal(state[name], value) for name, value in states[-1].items())


@pytest.mark.parametrize(("precision", "dtype", "stored"), [("bf16-mixed", torch.bfloat16, torch.float32), ("64-true", torch.float64, torch.float64)])
def test_a_precision_is_that_of_the_matrix_products(
    precision: str, dtype: torch.dtype, stored: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    products, norms = set(), set()
    forward = BinaryClassifier.forward

    def watched(self: BinaryClassifier, pixels: Tensor) -> Tensor:
        for module in self.network.modules():
            if isinstance(module, nn.Linear | ScalarNorm) and self.training:
                seen = norms if isinstance(module, ScalarNorm) else products
                module.register_forward_hook(lambda _module, _inputs, output, seen=seen: seen.add(output.dtype))
        return forward(self, pixels)

    monkeypatch.setattr(BinaryClassifier, "forward", watched)
    done = run_training(recipe(f"train.precision={precision}", "train.epochs=1"), tmp_path)
    assert products == {dtype}
    assert norms == {stored}
    state = torch.load(done.checkpoint, weights_only=True)["state_dict"]
    assert {value.dtype for name, value in state.items() if name.startswith("network.") and name.endswith("weight")} == {stored}
    info, network = load_checkpoint(done.checkpoint)
    assert accuracy(network, info.pixel_norm, load_split("digits", "test")) == done.accuracy


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.precision=16-mixed", r"train\.precision 16-mixed needs a GPU; on a CPU 32-true, 64-true and bf16-mixed are accepted"),
        ("train.precision=fp8", r"train\.precision 'fp8' is not known; known are 32-true, 64-true, bf16-mixed, 16-mixed"),
        ("train.ema=1", r"train\.ema 1\.0 is not in \[0, 1\)"),
        ("train.ema=.nan", r"train\.ema nan is not in \[0, 1\)"),
        ("train.gradient_clip=-1", r"train\.gradient_clip -1\.0 is not a norm"),
        ("train.checkpoint_every=-1", r"train\.checkpoint_every -1 is negative"),
    ],
)
def test_what_cannot_be_is_refused(setting: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=message):
        run_training(recipe(setting), tmp_path, devices=Devices("cpu"))


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ({"accelerator": "tpu"}, "accelerator 'tpu' is not known; known are auto, cpu, gpu"),
        ({"per_node": 0}, "0 devices of 1 nodes: one or more of each are needed"),
        ({"nodes": 0}, "None devices of 0 nodes"),
    ],
)
def test_devices_that_cannot_be_are_refused(devices: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Devices(**devices)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="accelerator gpu: PyTorch finds no GPU; cpu or auto is accepted"):
        run_training(recipe(), tmp_path, devices=Devices("gpu"))


def test_a_batch_that_cannot_be_divided_is_refused_before_any_process_begins(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="a batch of 24 images cannot be divided among 5 processes"):
        run_training(recipe(), tmp_path, devices=Devices("cpu", 5))
