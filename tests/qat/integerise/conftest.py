"""A second implementation of integer networks: NumPy, int64, no float anywhere but in the table of the sigmoid."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from xnorflow.pixels import PixelNorm
from xnorflow.qat.integerise.network import IntegerNetwork

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass
class Fixed:
    """Integers ``(N, C, H, W)`` or ``(N, C)`` times ``2**-fraction``."""

    values: Ints
    fraction: int

    def on(self, fraction: int) -> Ints:
        assert fraction >= self.fraction
        return self.values << (fraction - self.fraction)


def constant(part: Any) -> Fixed:
    integers = part.value.detach().double().numpy() * 2.0**part.fraction
    assert np.array_equal(integers, np.rint(integers))
    return Fixed(integers.astype(np.int64), part.fraction)


def add(left: Fixed, right: Fixed) -> Fixed:
    fraction = max(left.fraction, right.fraction)
    return Fixed(left.on(fraction) + right.on(fraction), fraction)


def times(left: Fixed, right: Fixed) -> Fixed:
    return Fixed(left.values * right.values, left.fraction + right.fraction)


def windows(x: Ints, kernel: int, stride: int) -> Ints:
    view = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    return view[:, :, ::stride, ::stride]


def convolve(x: Ints, weights: Ints, stride: int, padding: int, border: int) -> Ints:
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=border)
    return np.einsum("nchwij,ocij->nohw", windows(padded, weights.shape[2], stride), weights)


def codes(weight: torch.Tensor, fraction: int) -> Ints:
    return np.rint(weight.detach().double().numpy() * 2.0**fraction).astype(np.int64)


def quantise(x: Fixed, bits: int, fraction: int, signed: bool) -> Fixed:
    shift = x.fraction - fraction
    moved = x.values >> shift if shift >= 0 else x.values << -shift
    low = -(2 ** (bits - 1)) if signed else 0
    return Fixed(np.clip(moved, low, low + 2**bits - 1), fraction)


class Twin:
    """Runs an integer network on pixels, step by step."""

    def __init__(self, network: IntegerNetwork, norm: PixelNorm) -> None:
        self.network, self.norm = network, norm

    def __call__(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        values: dict[str, Fixed] = {}
        out = Fixed(np.zeros(1, np.int64), 0)
        for wire in self.network.wires:
            step = self.network.steps[wire.name]
            first = wire.inputs == ("input",)
            out = self.image(pixels) if first else getattr(self, wire.kind)(step, *(values[name] for name in wire.inputs))
            values[wire.name] = out
        return out.values * 2.0**-out.fraction

    def image(self, pixels: np.ndarray[Any, Any]) -> Fixed:
        mean = self.norm.mean or (0.0,)
        zero = np.rint([m / float(self.norm.scale) for m in mean]).astype(np.int64)
        return Fixed((pixels.astype(np.int64) - zero).transpose(0, 3, 1, 2), 7)

    def Affine(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802 - named like the steps
        x = x if step.factor is None else times(x, constant(step.factor))
        return x if step.offset is None else add(x, constant(step.offset))

    def TwoSlope(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        x = x if step.before is None else add(x, constant(step.before))
        slope = constant(step.slope)
        bent = np.where(x.values < 0, x.values * slope.values[:, None, None], x.on(x.fraction + slope.fraction))
        y = Fixed(bent, x.fraction + slope.fraction)
        return y if step.after is None else add(y, constant(step.after))

    def Quant(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        return quantise(x, step.grid.bits, step.grid.fraction, step.grid.signed)

    def Sign(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        x = x if step.turn is None else times(x, constant(step.turn))
        x = x if step.shift is None else add(x, constant(step.shift))
        return Fixed(np.where(x.values >= 0, 1, -1), 0)

    def BinaryConvolution(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        weights = np.where(step.conv.weight.detach().numpy() >= 0, 1, -1)
        return Fixed(convolve(x.values, weights, step.stride, step.padding, step.conv.padding_value), 0)

    def Convolution(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        return Fixed(convolve(x.values, codes(step.conv.weight, step.fraction), step.stride, step.padding, 0), x.fraction + step.fraction)

    def MatrixProduct(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        return Fixed(x.values.reshape(len(x.values), -1) @ codes(step.linear.weight, step.fraction).T, x.fraction + step.fraction)

    def Add(self, step: Any, left: Fixed, right: Fixed) -> Fixed:  # noqa: N802
        assert left.fraction == right.fraction
        return add(left, right)

    def Multiply(self, step: Any, left: Fixed, right: Fixed) -> Fixed:  # noqa: N802
        return times(left, right)

    def Concatenate(self, step: Any, *parts: Fixed) -> Fixed:  # noqa: N802
        assert len({part.fraction for part in parts}) == 1
        return Fixed(np.concatenate([part.values for part in parts], 1), parts[0].fraction)

    def GlobalSum(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        return Fixed(x.values.sum((2, 3), keepdims=True), x.fraction)

    def PadChannels(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        kept = x.values[:, :, :: step.stride, :: step.stride]
        return Fixed(np.pad(kept, ((0, 0), (step.front, step.back), (0, 0), (0, 0))), x.fraction)

    def MaxPool(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        pads = ((0, 0), (0, 0), (step.padding, step.padding), (step.padding, step.padding))
        padded = np.pad(x.values, pads, constant_values=np.iinfo(np.int64).min)
        return Fixed(windows(padded, step.kernel, step.stride).max((4, 5)), x.fraction)

    def AveragePool(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        height, width = x.values.shape[2:]
        out = np.zeros((*x.values.shape[:2], -(-height // 2), -(-width // 2)), np.int64)
        for row in range(out.shape[2]):
            for column in range(out.shape[3]):
                block = x.values[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                out[:, :, row, column] = block.sum((2, 3)) * (4 // (block.shape[2] * block.shape[3]))
        return Fixed(out, x.fraction + 2)

    def Sigmoid(self, step: Any, x: Fixed) -> Fixed:  # noqa: N802
        table = {v: math.floor((1 / (1 + math.exp(-v * 2.0**-x.fraction)) + step.offset) * 2**step.bits) for v in np.unique(x.values).tolist()}
        return Fixed(np.clip(np.vectorize(table.__getitem__)(x.values), 0, 2**step.bits - 1).astype(np.int64), step.bits)


@pytest.fixture
def twin() -> type[Twin]:
    return Twin


Image = Callable[[PixelNorm, np.ndarray[Any, Any]], torch.Tensor]


@pytest.fixture
def normalised() -> Image:
    def apply(norm: PixelNorm, pixels: np.ndarray[Any, Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(norm.apply(pixels).transpose(0, 3, 1, 2)))

    return apply


@pytest.fixture
def shaken() -> Callable[[nn.Module, torch.Tensor, int], nn.Module]:
    """Gives an untrained network random factors, slopes, shifts, gammas (both signs, one zero) and statistics that follow the images."""

    def shake(network: nn.Module, images: torch.Tensor, seed: int) -> nn.Module:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name.endswith(("shift", "channel", "row", "column", "prelu.weight", "activation.weight")):
                    parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
            norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
            for layer in norms:
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
                layer.weight[0] = 0.0
                layer.bias.copy_(0.3 * torch.randn(layer.bias.shape, generator=generator))
                layer.momentum = 1.0
            network.train()(images)
        return network.eval()

    return shake
