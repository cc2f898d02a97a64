"""Brevitas layers for the slots of ``models``: binary and few-bit convolutions, matrix products and activations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.models.layers import BIPOLAR
from xnorflow.qat.brevitas import QuantConv2d, QuantIdentity, QuantLinear
from xnorflow.qat.injectors import (
    ACTIVATIONS,
    SCALES,
    WEIGHTS,
    activation_constants,
    binary_activation,
    binary_weight,
    check_constants,
    weight_constants,
)
from xnorflow.qat.latent_starts import STARTS
from xnorflow.qat.quantisers import BinaryTensorQuant, SteActivation, int_activation, int_input, int_weight

AUTO = "auto"


@dataclass(frozen=True)
class QuantScheme:
    """How a network becomes binary; the words are those of ``xnorflow.qat.injectors``.

    Attributes:
        activation: estimator of binary activations.
        clip: half-width of the window of ``ste`` activations.
        weight_scale: ``none`` (weights are -1 and +1), or the factor of each output channel.
        weight: binariser of the weights.
        weight_settings: its constants, ``hard_at`` of ``progressive`` for one.
        activation_settings: constants of the activations' estimator, ``low`` of ``ede`` for one.
        latents: where binary weights start, one of ``xnorflow.qat.latent_starts.STARTS``; ``auto`` for what ``weight`` asks for.
    """

    activation: str = "ste"
    clip: float = 1.0
    weight_scale: str = "none"
    weight: str = "ste"
    weight_settings: dict[str, float] = field(default_factory=dict)
    activation_settings: dict[str, float] = field(default_factory=dict)
    latents: str = AUTO

    def __post_init__(self) -> None:
        for name, known in (("activation", ACTIVATIONS), ("weight_scale", SCALES), ("weight", WEIGHTS), ("latents", (AUTO, *STARTS))):
            if getattr(self, name) not in known:
                raise BadInputError(f"quant.{name} {getattr(self, name)!r} is not known; known are {', '.join(known)}")
        if not self.clip > 0:
            raise BadInputError(f"quant.clip {self.clip} is not positive")
        for part, constants in (("weight", weight_constants(self.weight)), ("activation", activation_constants(self.activation))):
            for name in getattr(self, f"{part}_settings"):
                if name not in constants:
                    listing = ", ".join(constants) or "none"
                    raise BadInputError(f"quant.{part}_settings: {part} {getattr(self, part)} has no {name!r}; it has {listing}")
        check_constants(self.weight, self.weight_settings, self.activation, self.activation_settings)

    def weight_quant(self, bits: int) -> Any:
        """The Brevitas injector of weights of ``bits`` bits."""
        return binary_weight(self.weight, self.weight_scale, **self.weight_settings) if bits == BIPOLAR else int_weight(bits)

    def activation_quant(self, bits: int) -> Any:
        """The Brevitas injector of activations of ``bits`` bits."""
        return binary_activation(self.activation, clip=self.clip, **self.activation_settings) if bits == BIPOLAR else int_activation(bits)

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
        weight = _training_weight(self)
        out: Tensor = super().forward(input) if weight is None else self._conv_forward(input, weight, None)
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

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the overridden parameter
        weight = _training_weight(self)
        out: Tensor = super().forward(input) if weight is None else functional.linear(input, weight)
        return out


class BinaryActivation(QuantIdentity):
    """Quantised activation, or the quantiser of the input; ``bits`` tells which codes come out."""

    def __init__(self, *, bits: int, act_quant: Any) -> None:
        super().__init__(act_quant=act_quant)
        self.bits = bits

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the overridden parameter
        """Quantise float32 of any shape."""
        if self.training and not self.export_mode and self.act_quant.is_quant_enabled:
            return _value(self.act_quant.fused_activation_quant_proxy.tensor_quant, input)
        out: Tensor = super().forward(input)
        return out


def _training_weight(layer: QuantConv2d | QuantLinear) -> Tensor | None:
    """The quantised weights of a training step; None where Brevitas has more to do than that, in evaluation and export.

    Brevitas' own forward computes the same value, wraps it with scale, zero point and bit width, takes it out again, and copies the
    gradient once more on the way back. ``benchmarks/training.py`` measures what that costs.
    """
    if not layer.training or layer.export_mode or not layer.weight_quant.is_quant_enabled:
        return None
    return _value(layer.weight_quant.tensor_quant, layer.weight)


def _value(quantiser: nn.Module, x: Tensor) -> Tensor:
    value: Tensor = quantiser.value(x) if isinstance(quantiser, BinaryTensorQuant) else quantiser(x)[0]
    return value


def is_binary(layer: nn.Module) -> bool:
    """Whether the layer's weights are bipolar (with or without a scale)."""
    return isinstance(layer, BinaryConv2d | BinaryLinear) and int(layer.weight_quant.bit_width()) == BIPOLAR
