"""Brevitas injectors: how weights, activations and the input become integers times a power of two."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from xnorflow.qat.binarisers.real import RealWeight
from xnorflow.qat.brevitas import (
    ActQuantSolver,
    BitWidthConst,
    BitWidthImplType,
    ExtendedInjector,
    FloatToIntImplType,
    Int8WeightPerTensorFixedPoint,
    QuantType,
    RestrictValueType,
    ScalingImplType,
    ScalingPerOutputType,
    StatelessBuffer,
    WeightQuantSolver,
    ZeroZeroPoint,
)
from xnorflow.qat.estimators import SteSign


class BinaryTensorQuant(nn.Module):
    """Brevitas tensor quantiser around one of our binarisers; Brevitas injects the arguments by name.

    Args:
        scaling_impl: gives the scale of a (transformed) tensor.
        binarizer_impl: gives -1 and +1, and the estimator of the gradient.
        transform_impl: applied before both, weights only; freezing folds it into the signs.
        detach_scale: let no gradient through the scale.
    """

    def __init__(self, scaling_impl: nn.Module, binarizer_impl: nn.Module, transform_impl: nn.Module, detach_scale: bool) -> None:
        super().__init__()
        self.scaling_impl = scaling_impl
        self.binarizer_impl = binarizer_impl
        self.transform_impl = transform_impl
        self.detach_scale = detach_scale
        self.zero_point = StatelessBuffer(torch.tensor(0.0))
        self.bit_width = BitWidthConst(1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Quantised tensor, scale, zero point and bit width, the four things Brevitas passes on."""
        value, scale = self._quantised(x)
        return value, self.scaling_impl(x) if scale is None else scale, self.zero_point(), self.bit_width()

    def value(self, x: Tensor) -> Tensor:
        """The quantised tensor alone, which is all a training step needs."""
        return self._quantised(x)[0]

    def _quantised(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Value and scale; None for the scale 1."""
        x = self.transform_impl(x)
        signs: Tensor = self.binarizer_impl(x)
        if isinstance(self.scaling_impl, UnitScale):
            return signs, None
        scale: Tensor = self.scaling_impl(x)
        if self.detach_scale:
            scale = scale.detach()
        return signs * scale, scale


class UnitScale(nn.Module):
    """The scale 1, which :class:`BinaryTensorQuant` does not spend a multiplication on."""

    def __init__(self) -> None:
        super().__init__()
        self.one = StatelessBuffer(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        """A scalar, whatever ``x``."""
        one: Tensor = self.one()
        return one


class RealTensorQuant(BinaryTensorQuant):
    """Real weights as they are until they harden; then signs and their scale.

    A scale that is a statistic of the weights is part of real weights already, so it waits for the signs; a learned one does not.
    """

    binarizer_impl: RealWeight

    def _quantised(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        value, scale = super()._quantised(x)
        if self.detach_scale and scale is not None:
            hard = self.binarizer_impl.hard
            value, scale = torch.where(hard, value, self.binarizer_impl(x)), torch.where(hard, scale, 1.0)
        return value, scale


class Untransformed(nn.Module):
    """Weights or activations as they are; an identity whose constructor Brevitas can inject."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """``x``."""
        return x


class _Const(ExtendedInjector):
    bit_width_impl_type = BitWidthImplType.CONST
    scaling_impl_type = ScalingImplType.CONST
    scaling_per_output_type = ScalingPerOutputType.TENSOR
    restrict_scaling_type = RestrictValueType.FP
    zero_point_impl = ZeroZeroPoint
    float_to_int_impl_type = FloatToIntImplType.ROUND
    scaling_const = 1.0
    signed = True


class _Binary(_Const):
    tensor_quant = BinaryTensorQuant
    transform_impl = Untransformed
    scaling_impl = UnitScale
    detach_scale = True
    quant_type = QuantType.BINARY
    bit_width = 1
    narrow_range = True


class BinaryWeight(_Binary, WeightQuantSolver):
    """Weights -1 and +1, straight-through within +-1."""

    binarizer_impl = SteSign
    clip = 1.0


class BinaryActivationQuant(_Binary, ActQuantSolver):
    """Base of activations -1 and +1; subclasses name the binariser."""

    min_val = -1.0
    max_val = 1.0


class SteActivation(BinaryActivationQuant):
    """Activations -1 and +1 with the clipped straight-through estimator."""

    binarizer_impl = SteSign
    clip = 1.0


class _Int(_Const):
    quant_type = QuantType.INT


class ConstWeight(_Int, WeightQuantSolver):
    """Narrow signed weights of ``bit_width`` bits on a constant grid; ``scaling_const`` is the largest value."""

    narrow_range = True


class ConstActivation(_Int, ActQuantSolver):
    """Signed activations of ``bit_width`` bits on a constant grid; ``min_val`` and ``max_val`` are its ends."""


def const_weight(bits: int, scale: float) -> Any:
    """Injector of narrow signed ``bits``-bit weights with a fixed scale (a power of two)."""
    return ConstWeight.let(bit_width=bits, scaling_const=scale * (2 ** (bits - 1) - 1))


def int_weight(bits: int) -> Any:
    """Injector of signed weights of 2 to 8 bits: FINN's {-1, 0, +1} for two, else a power-of-two scale from the maximum."""
    if bits == 2:
        return const_weight(2, 1.0)
    return Int8WeightPerTensorFixedPoint.let(bit_width=bits)


def int_activation(bits: int) -> Any:
    """Injector of narrow signed activations of 2 to 8 bits with scale ``2**(2 - bits)`` (FINN's {-1, 0, +1} for two)."""
    limit = (2 ** (bits - 1) - 1) * 2.0 ** (2 - bits)
    return ConstActivation.let(bit_width=bits, narrow_range=True, min_val=-limit, max_val=limit)


def int_input(bits: int) -> Any:
    """Injector of the image's quantiser: 2 to 8 bits, scale ``2**(1 - bits)``, range ``-1 .. 1 - scale``."""
    return ConstActivation.let(bit_width=bits, narrow_range=False, min_val=-1.0, max_val=1.0 - 2.0 ** (1 - bits))
