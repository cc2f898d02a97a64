"""Brevitas layers for the slots of ``models``: binary and few-bit convolutions, matrix products and activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.models.layers import BIPOLAR
from xnorflow.qat.brevitas import QuantConv2d, QuantIdentity, QuantLinear
from xnorflow.qat.quantisers import ApproxSignActivation, BinaryWeight, ScaledBinaryWeight, SteActivation, int_activation, int_input, int_weight

ESTIMATORS = ("ste", "approx-sign")
WEIGHT_SCALES = ("none", "mean")


@dataclass(frozen=True)
class QuantScheme:
    """How a network becomes binary.

    Attributes:
        activation: estimator of binary activations, ``ste`` or ``approx-sign``.
        clip: half-width of the ``ste`` window.
        weight_scale: ``none`` (weights are -1 and +1) or ``mean`` (times each output channel's mean magnitude).
    """

    activation: str = "ste"
    clip: float = 1.0
    weight_scale: str = "none"

    def __post_init__(self) -> None:
        if self.activation not in ESTIMATORS:
            raise BadInputError(f"quant.activation {self.activation!r} is not known; known are {', '.join(ESTIMATORS)}")
        if self.weight_scale not in WEIGHT_SCALES:
            raise BadInputError(f"quant.weight_scale {self.weight_scale!r} is not known; known are {', '.join(WEIGHT_SCALES)}")
        if not self.clip > 0:
            raise BadInputError(f"quant.clip {self.clip} is not positive")

    def weight_quant(self, bits: int) -> Any:
        """The Brevitas injector of weights of ``bits`` bits."""
        if bits != BIPOLAR:
            return int_weight(bits)
        return BinaryWeight if self.weight_scale == "none" else ScaledBinaryWeight

    def activation_quant(self, bits: int) -> Any:
        """The Brevitas injector of activations of ``bits`` bits."""
        if bits != BIPOLAR:
            return int_activation(bits)
        return SteActivation.let(clip=self.clip) if self.activation == "ste" else ApproxSignActivation

    def input_quant(self, bits: int) -> Any:
        """The Brevitas injector of an input of ``bits`` bits."""
        return SteActivation if bits == BIPOLAR else int_input(bits)


class BinaryConv2d(QuantConv2d):
    """Quantised square convolution without bias and with an explicit border value.

    A border of 0 is the convolution's own padding; -1 or +1 is an explicit ``Pad`` in front of it, so that the exported
    file says what the network was trained with.

    Args:
        in_channels, out_channels, kernel, stride, padding: as in ``torch.nn.Conv2d``.
        padding_value: -1, 0 or +1.
        weight_quant: Brevitas injector of the weights.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, weight_quant: Any, stride: int = 1, padding: int = 0, padding_value: int = 0
    ) -> None:
        own = padding if padding_value == 0 else 0
        super().__init__(in_channels, out_channels, kernel, stride=stride, padding=own, bias=False, weight_quant=weight_quant)
        self.border = padding - own
        self.padding_value = padding_value

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the overridden parameter
        """Convolve float32 NCHW."""
        if self.border:
            input = functional.pad(input, (self.border,) * 4, value=float(self.padding_value))  # noqa: A001
        out: Tensor = super().forward(input)
        return out

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.padding_value)

    def set_extra_state(self, state: Tensor) -> None:
        saved = int(state)
        if saved != self.padding_value:
            raise BadInputError(f"the weights were trained with padding value {saved}, the network has {self.padding_value}")


class BinaryLinear(QuantLinear):
    """Quantised matrix product without bias."""

    def __init__(self, in_features: int, out_features: int, *, weight_quant: Any) -> None:
        super().__init__(in_features, out_features, bias=False, weight_quant=weight_quant)


class BinaryActivation(QuantIdentity):
    """Quantised activation, or the quantiser of the input; ``bits`` tells which codes come out."""

    def __init__(self, *, bits: int, act_quant: Any) -> None:
        super().__init__(act_quant=act_quant)
        self.bits = bits


def is_binary(layer: nn.Module) -> bool:
    """Whether the layer's weights are bipolar (with or without a scale)."""
    return isinstance(layer, BinaryConv2d | BinaryLinear) and int(layer.weight_quant.bit_width()) == BIPOLAR
