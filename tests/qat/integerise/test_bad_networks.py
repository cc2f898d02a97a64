"""Networks and images of which no integers can be made are refused by the layer's name; extreme but finite ones stay exact."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError, UnsupportedModelError
from xnorflow.models.blocks.gate import Gate
from xnorflow.models.config import ModelConfig
from xnorflow.models.residual import head
from xnorflow.pixels import PixelNorm
from xnorflow.qat.integerise.integerise import integerise
from xnorflow.qat.integerise.settings import read_settings
from xnorflow.qat.layers import BinaryConv2d

CENTRED = PixelNorm(mean=(128 / 255,), std=(128 / 255,))


@pytest.fixture
def gated(networks) -> nn.Module:
    network = networks("real-to-binary-18", (1, 8, 8), width=0.0625)
    for stage in ("stage2", "stage3", "stage4"):
        setattr(network, stage, nn.Identity())
    network.head = head(ModelConfig("real-to-binary-18", (1, 8, 8), 10), 4)
    return network.eval()


def images(count: int) -> torch.Tensor:
    return torch.randint(-128, 128, (count, 1, 8, 8), generator=torch.Generator().manual_seed(0)) / 128


def spoil(network: nn.Module, kind: type[nn.Module], tensor: str, value: float, skipped: int = 1) -> str:
    """Put a value into a layer; returns the layer's name as refusals write it."""
    found = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, kind)]
    name, layer = found[min(skipped, len(found) - 1)]
    getattr(layer, tensor).data.view(-1)[0] = value
    return name.replace(".", "/")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    ("kind", "tensor"),
    [
        (BinaryConv2d, "weight"),
        (nn.BatchNorm2d, "weight"),
        (nn.BatchNorm2d, "running_mean"),
        (nn.BatchNorm2d, "running_var"),
        (nn.PReLU, "weight"),
        (nn.Linear, "weight"),
    ],
)
def test_a_value_that_is_no_number_is_refused_by_its_layer(gated, kind: type[nn.Module], tensor: str, value: float) -> None:
    name = spoil(gated, kind, tensor, value)
    with pytest.raises(UnsupportedModelError, match=rf"^layer {re.escape(name)} has a weight or batch-norm statistic that is NaN or infinite$"):
        integerise(gated, images(2), CENTRED)


def test_finite_weights_that_overflow_on_the_way_are_refused_by_the_unit(gated) -> None:
    for unit in ("stage1.0.0", "stage1.0.1"):
        gated.get_submodule(unit).prelu.weight.data.fill_(-3e38)
    with pytest.raises(UnsupportedModelError, match=r"^layer stage1/0/0 makes NaN or infinity of the calibration images$"):
        integerise(gated, images(2), CENTRED)


def test_no_images_are_refused(gated) -> None:
    with pytest.raises(BadInputError, match=r"^integerise: no calibration images; at least 1 is needed$"):
        integerise(gated, images(0), CENTRED)


def same_bits(integers: nn.Module, twin) -> bool:
    shown = images(3)
    pixels = (shown * 128 + 128).permute(0, 2, 3, 1).to(torch.uint8).numpy()
    return bool((twin(integers, CENTRED)(pixels) == integers(shown).numpy()).all())


def no_gammas(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data.zero_()


def negative_gammas(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data = -layer.weight.data.abs()


def dead_gates(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, Gate):
            layer.squeeze.weight.data.zero_()


@pytest.mark.parametrize("extreme", [no_gammas, negative_gammas, dead_gates, lambda n: spoil(n, nn.Conv2d, "weight", 1e20, 0), None])
def test_extreme_networks_stay_exact(gated, twin, extreme: Callable[[nn.Module], object] | None) -> None:
    if extreme is not None:
        extreme(gated)
    flat = torch.zeros(2, 1, 8, 8)
    integers = integerise(gated, flat if extreme is None else images(2), CENTRED)
    integers.bounds()
    assert same_bits(integers, twin)


def test_the_fewest_bits_accepted_stay_exact(gated, twin) -> None:
    fewest = read_settings([], ["se=2,2", "classifier=2,2", "downsample=2,2", "stream=2", "inner=2", "coefficient=2", "slope=2", "accumulator=2"])
    integers = integerise(gated, images(2), CENTRED, settings=fewest)
    assert same_bits(integers, twin)
