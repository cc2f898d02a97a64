"""Convolutions and the matrix product of integers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xnorflow.qat.integerise.reach import Reach
from xnorflow.qat.integerise.step import Bound, Step
from xnorflow.qat.layers import BinaryConv2d, BinaryLinear
from xnorflow.qat.quantisers import BinaryWeight, const_weight


class BinaryConvolution(Step):
    """Convolution of -1 and +1 by -1 and +1.

    Args:
        inputs, outputs, kernel, stride, padding, padding_value: of :class:`xnorflow.qat.layers.BinaryConv2d`.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, padding: int, padding_value: int) -> None:
        super().__init__()
        self.inputs, self.outputs, self.kernel, self.stride, self.padding = inputs, outputs, kernel, stride, padding
        self.conv = BinaryConv2d(inputs, outputs, kernel, stride=stride, padding=padding, padding_value=padding_value, weight_quant=BinaryWeight)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW signs to integers."""
        out: Tensor = self.conv(x)
        return out

    def snap(self) -> None:
        """Make the weights -1 and +1."""
        with torch.no_grad():
            self.conv.weight.copy_(torch.where(self.conv.weight >= 0, 1.0, -1.0))

    def arguments(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("inputs", "outputs", "kernel", "stride", "padding")}
        return own | {"padding_value": self.conv.padding_value}

    def bound(self, *ins: Reach) -> Bound:
        taps = self.inputs * self.kernel**2
        return Bound.of(Reach.uniform(-taps, taps, self.outputs, 0))


class Convolution(Step):
    """Zero-padded convolution with integer weights times ``2**-fraction``.

    Args:
        inputs, outputs, kernel, stride, padding: as in ``torch.nn.Conv2d``.
        bits: of a weight, narrow.
        fraction: bits behind the binary point of a weight.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, padding: int, bits: int, fraction: int) -> None:
        super().__init__()
        self.inputs, self.outputs, self.kernel, self.stride, self.padding = inputs, outputs, kernel, stride, padding
        self.bits, self.fraction = bits, fraction
        weight_quant = const_weight(bits, 2.0**-fraction)
        self.conv = BinaryConv2d(inputs, outputs, kernel, stride=stride, padding=padding, weight_quant=weight_quant)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW."""
        out: Tensor = self.conv(x)
        return out

    def snap(self) -> None:
        """Round the weights to their grid."""
        with torch.no_grad():
            self.conv.weight.copy_(self.conv.quant_weight().value)

    def arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("inputs", "outputs", "kernel", "stride", "padding", "bits", "fraction")}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        return matrix_bound(integer_weights(self.conv, self.fraction), x, self.fraction, padded=bool(self.padding))


class MatrixProduct(Step):
    """``(N, C, 1, 1)`` or ``(N, C)`` times integer weights times ``2**-fraction``: the classifier.

    Args:
        inputs, outputs: features.
        bits: of a weight, narrow.
        fraction: bits behind the binary point of a weight.
    """

    def __init__(self, inputs: int, outputs: int, bits: int, fraction: int) -> None:
        super().__init__()
        self.inputs, self.outputs, self.bits, self.fraction = inputs, outputs, bits, fraction
        self.linear = BinaryLinear(inputs, outputs, weight_quant=const_weight(bits, 2.0**-fraction))

    def forward(self, x: Tensor) -> Tensor:
        """Flatten and multiply, to ``(N, outputs)``."""
        out: Tensor = self.linear(x.flatten(1))
        return out

    def snap(self) -> None:
        """Round the weights to their grid."""
        with torch.no_grad():
            self.linear.weight.copy_(self.linear.quant_weight().value)

    def arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("inputs", "outputs", "bits", "fraction")}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        return matrix_bound(integer_weights(self.linear, self.fraction), x, self.fraction, padded=False)


def integer_weights(layer: BinaryConv2d | BinaryLinear, fraction: int) -> Tensor:
    """The quantised weights of a layer times ``2**fraction``: float64 integers of the weights' shape."""
    value: Tensor = layer.quant_weight().value
    return value.detach().double() * 2.0**fraction


def matrix_bound(weights: Tensor, x: Reach, fraction: int, *, padded: bool) -> Bound:
    """Bound of every partial sum, in any order, of integer ``weights`` ``(out, in, ...)`` and inputs within ``x``.

    Args:
        weights: float64 integers.
        x: reach of the inputs.
        fraction: of the weights.
        padded: whether some inputs may be 0 instead.
    """
    flat = weights.reshape(len(weights), x.channels, -1)
    low, high = (x.low.clamp(max=0), x.high.clamp(min=0)) if padded else (x.low, x.high)
    ends = torch.stack([flat * low[:, None], flat * high[:, None]])
    out = Reach(ends.amin(0).sum((1, 2)), ends.amax(0).sum((1, 2)), x.fraction + fraction)
    return Bound(out, float(ends.abs().amax(0).sum((1, 2)).max()))
