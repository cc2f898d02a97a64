"""Steps for the layers that all families have: signs, convolutions, norms, pools, the classifier."""

from __future__ import annotations

import math
from fractions import Fraction

import torch
from torch import Tensor, nn

from xnorflow.errors import UnsupportedModelError
from xnorflow.models.layers import BIPOLAR
from xnorflow.qat.integerise.builder import Builder
from xnorflow.qat.integerise.matrix import BinaryConvolution, Convolution, MatrixProduct
from xnorflow.qat.integerise.pointwise import Affine
from xnorflow.qat.integerise.pool import GlobalSum
from xnorflow.qat.integerise.sign import Sign
from xnorflow.qat.integerise.signal import Signal, chosen_grid
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d, is_binary

LEAST_LATENT = 1e-6


def sign(b: Builder, name: str, layer: BinaryActivation, x: Signal) -> Signal:
    """The sign of a signal, exact: what is affine in front of it becomes a comparison on the signal's own grid.

    Raises:
        UnsupportedModelError: the activation has more than one bit.
    """
    if layer.bits != BIPOLAR:
        raise UnsupportedModelError(f"layer {name} is an activation of {layer.bits} bits; in residual networks those of one bit are accepted")
    if x.bend is not None or (x.factor is not None and x.factor.dim() > 1):
        x = b.inner(name, x)
    plain = Signal(x.source, x.sample, x.reach)
    factor = torch.ones(x.channels, dtype=torch.float64) if x.factor is None else x.factor
    offset = torch.zeros(x.channels, dtype=torch.float64) if x.offset is None else x.offset
    turn = torch.sign(factor)
    fraction = x.reach.fraction
    # On integers, turn * x + c >= 0 exactly where turn * x + floor(c) >= 0; beyond the reach of x any c is a constant sign.
    limits = (x.reach.magnitude + 1).tolist()
    pairs = zip(factor.tolist(), offset.tolist(), limits, strict=True)
    shift = torch.tensor([max(-limit, min(limit, _floor_ratio(moved, abs(slope), fraction))) for slope, moved, limit in pairs], dtype=torch.float64)
    turns, shifts = bool((turn != 1).any()), bool((shift != 0).any())
    step = Sign(x.channels, fraction if shifts else None, turns, b.scheme.activation, b.scheme.clip)
    if step.turn is not None:
        step.turn.set(turn)
    if step.shift is not None:
        step.shift.set(shift * 2.0**-fraction)
    return b.emit(name, step, plain)


def _floor_ratio(offset: float, factor: float, fraction: int) -> int:
    """``floor(offset / factor * 2**fraction)`` without rounding; of a factor 0, 0 where the offset is not negative and else -1."""
    if factor == 0:
        return 0 if offset >= 0 else -1
    return math.floor(Fraction(offset) / Fraction(factor) * Fraction(2) ** fraction)


def binary_conv(b: Builder, name: str, layer: BinaryConv2d, x: Signal) -> Signal:
    """A binary convolution of signs; its weights' scale stays to be done.

    Raises:
        UnsupportedModelError: the weights have more than one bit.
    """
    quantised = layer.quant_weight()
    if not is_binary(layer):
        raise UnsupportedModelError(f"layer {name} has weights of {int(quantised.bit_width)} bits; in residual networks one bit is accepted")
    value = quantised.value.detach()
    scale = quantised.scale.detach().double().flatten().expand(layer.out_channels)
    step = BinaryConvolution(
        layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0], layer.border + int(layer.padding[0]), layer.padding_value
    )
    with torch.no_grad():
        # The latent's magnitude is kept for training end to end; until it is rounded to signs it decides nothing.
        step.conv.weight.copy_(torch.where(value >= 0, 1.0, -1.0) * layer.weight.detach().abs().clamp(LEAST_LATENT, 1.0))
    out = b.emit(name, step, x)
    return out if bool((scale == 1).all()) else out.scaled(scale)


def real_conv(b: Builder, name: str, layer: nn.Conv2d, x: Signal, bits: int) -> Signal:
    """A real convolution with integer weights of ``bits`` bits; one factor per output channel stays to be done.

    What is affine in front of it goes into the weights and a constant (at a border, as if the border were the offset). An input of so
    many bits that sums would not be exact is rounded to fewer.

    Raises:
        UnsupportedModelError: it is not square, dense and zero-padded, or a product of its weights and what is in front of them is not finite.
    """
    kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
    plain = layer.kernel_size == (kernel, kernel) and layer.stride == (stride, stride) and layer.padding == (padding, padding)
    if not (plain and layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"):
        raise UnsupportedModelError(f"layer {name} is {layer}; square kernels, zero padding, no groups and no dilation are accepted")
    return integer_conv(b, name, layer.weight, layer.bias, x, bits, stride, int(padding))


def integer_conv(b: Builder, name: str, weights: Tensor, bias: Tensor | None, x: Signal, bits: int, stride: int = 1, padding: int = 0) -> Signal:
    """:func:`real_conv` by its tensors: weights ``(out, in, k, k)`` and bias ``(out,)``."""
    weight = weights.detach().double()
    outputs, inputs, kernel, _ = weight.shape
    constant = torch.zeros(outputs, dtype=torch.float64) if bias is None else bias.detach().double()
    if x.offset is not None:
        constant = constant + (weight * x.offset.reshape(1, -1, 1, 1)).sum((1, 2, 3))
    if x.factor is not None:
        weight = weight * x.factor.reshape(1, -1, 1, 1)
    check_finite(name, weight, constant)
    largest = weight.abs().amax((1, 2, 3))
    scale = torch.where(largest > 0, largest, 1.0) / ((1 << (bits - 1)) - 1)
    step = Convolution(inputs, outputs, kernel, stride, padding, bits, bits - 1)
    codes = torch.round(weight / scale.reshape(-1, 1, 1, 1))
    if x.settled:
        x = b.summable(f"{name}/in", x, float(codes.abs().sum((1, 2, 3)).max()))
    with torch.no_grad():
        step.conv.weight.copy_(codes * 2.0 ** (1 - bits))
    out = b.emit(name, step, Signal(x.source, x.sample, x.reach))
    return out.scaled(scale * 2.0 ** (bits - 1), constant)


def norm(name: str, layer: nn.BatchNorm1d | nn.BatchNorm2d, x: Signal) -> Signal:
    """A batch norm in evaluation mode, left to be done.

    Raises:
        UnsupportedModelError: a statistic is not finite.
    """
    assert layer.running_mean is not None
    assert layer.running_var is not None
    factor = layer.weight.detach().double() / torch.sqrt(layer.running_var.double() + layer.eps)
    offset = layer.bias.detach().double() - layer.running_mean.double() * factor
    check_finite(name, factor, offset)
    return x.scaled(factor, offset)


def mean(b: Builder, name: str, x: Signal) -> Signal:
    """The mean over all pixels, as a sum that is left to be divided; what is affine in front of it stays so."""
    if x.bend is not None or (x.factor is not None and x.factor.dim() > 1):
        x = b.inner(name, x)
    pixels = x.sample.shape[2] * x.sample.shape[3]
    total = b.emit(f"{name}/sum", GlobalSum(pixels), b.summable(f"{name}/in", Signal(x.source, x.sample, x.reach), pixels))
    factor = torch.full((x.channels,), 1 / pixels, dtype=torch.float64)
    return total.scaled(factor if x.factor is None else factor * x.factor, x.offset)


def classifier(b: Builder, name: str, layer: nn.Linear, x: Signal) -> Signal:
    """The last layer: logits are integers times one power of two."""
    bits, activations = b.bits.classifier
    weight = layer.weight.detach().double()
    bias = torch.zeros(layer.out_features, dtype=torch.float64) if layer.bias is None else layer.bias.detach().double()
    x = b.settle(f"{name}/in", x, chosen_grid(x.values(), activations, b.settings.coverage))
    step = MatrixProduct(layer.in_features, layer.out_features, bits, weight_fraction(weight, bits))
    with torch.no_grad():
        step.linear.weight.copy_(torch.round(weight * 2.0**step.fraction) * 2.0**-step.fraction)
    product = b.emit(name, step, x)
    offset = Affine(layer.out_features, offset=product.reach.fraction, rank=2)
    assert offset.offset is not None
    offset.offset.set(bias)
    return b.emit(f"{name}/bias", offset, product)


def weight_fraction(weight: Tensor, bits: int) -> int:
    """Most bits behind the point with which all weights fit narrow signed integers of ``bits`` bits."""
    most, fraction = float(weight.abs().max()), -64
    while fraction < 64 and round(most * 2.0 ** (fraction + 1)) <= (1 << (bits - 1)) - 1:
        fraction += 1
    return fraction


def check_finite(name: str, *values: Tensor) -> None:
    """Refuse NaN and infinity.

    Raises:
        UnsupportedModelError: there is one; names the layer.
    """
    if not all(bool(torch.isfinite(v).all()) for v in values):
        raise UnsupportedModelError(f"layer {name} has a weight or batch-norm statistic that is NaN or infinite")
