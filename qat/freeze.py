"""Turn a trained network into the arithmetic that hardware will prove equal to.

Every product and sum of a frozen network's matrix layers is of integers times a power of two and below 2**24, hence
exact in float32 in any order. Everything else is one float32 operation at a time, each rounded once: an explicit
multiply for a weight scale, an explicit multiply and an explicit add for a batch norm. So PyTorch, QONNX and NumPy
agree bit for bit.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from xnorflow.errors import UnsupportedModelError
from xnorflow.models.layers import Network, ScalarNorm
from xnorflow.qat.binarisers.schedule import require_hard
from xnorflow.qat.integerise.network import IntegerNetwork
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d, BinaryLinear, is_binary
from xnorflow.qat.quantisers import BinaryWeight, const_weight

UNCHANGED = (nn.Flatten, nn.MaxPool2d)
REAL_VALUED = (nn.Conv2d, nn.Linear)
EXACT = 1 << 24


class ChannelScale(nn.Module):
    """Multiply by constants that broadcast over the input; one float32 rounding."""

    factor: Tensor

    def __init__(self, factor: Tensor) -> None:
        super().__init__()
        self.register_buffer("factor", factor)

    def forward(self, x: Tensor) -> Tensor:
        """``x * factor``."""
        return x * self.factor


class ChannelAffine(nn.Module):
    """Multiply, round, add, round: what a batch norm becomes."""

    factor: Tensor
    offset: Tensor

    def __init__(self, factor: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.register_buffer("factor", factor)
        self.register_buffer("offset", offset)

    def forward(self, x: Tensor) -> Tensor:
        """``x * factor + offset``, two operations, never fused."""
        product = x * self.factor
        return product + self.offset


def freeze(model: nn.Module) -> nn.Module:
    """A frozen copy of a quantised network, in evaluation mode and without gradients; ``model`` is left as it was.

    An integerised network is frozen already; its bounds are proven again.

    Raises:
        UnsupportedModelError: a layer is not binary yet, has no frozen form, reads values that are not quantised, can reach sums of 2**24,
            or has a weight or statistic that is not finite; names the layer.
    """
    if isinstance(model, IntegerNetwork):
        model.bounds()
        return copy.deepcopy(model).eval().requires_grad_(False)
    require_hard(model)
    real = real_layers(model)
    if real:
        raise UnsupportedModelError(
            f"layer {real[0]} is real-valued, as {len(real)} layers are: make integers of them with `xnorflow integerise` first"
        )
    frozen = _Freezer().freeze(copy.deepcopy(model).eval(), "network")
    return frozen.eval().requires_grad_(False)


def evaluation_form(model: nn.Module) -> nn.Module:
    """The network whose accuracy is reported: the frozen one, which is what is exported.

    A network with real-valued convolutions or linear layers (stems and skip paths of residual networks) has no frozen
    form; there it is the network itself in evaluation mode, its binary weights and activations hard.

    Raises:
        UnsupportedModelError: a layer is not binary yet, or a network without real-valued layers cannot be frozen.
    """
    if not real_layers(model):
        return freeze(model)
    require_hard(model)
    return copy.deepcopy(model).eval()


def real_layers(model: nn.Module) -> list[str]:
    """Names of the real-valued convolutions and linear layers of a network."""
    return [name for name, layer in model.named_modules() if type(layer) in REAL_VALUED]


class _Freezer:
    """Freezes layers in order and knows the greatest code the stream can carry, None where it is real-valued."""

    def __init__(self) -> None:
        self.greatest: int | None = None

    def freeze(self, layer: nn.Module, name: str) -> nn.Module:
        match layer:
            case Network():
                parts = [(f"{name}.{index}", child) for index, child in layer.named_children() if not isinstance(child, nn.Dropout)]
                return Network(*[self.freeze(child, path) for path, child in parts])
            case BinaryConv2d() | BinaryLinear():
                frozen = _frozen_matrix(layer, name)
                self._check_exact(layer, name)
                self.greatest = None
                return frozen
            case nn.BatchNorm1d() | nn.BatchNorm2d() | ScalarNorm():
                self.greatest = None
                return _frozen_norm(layer, name)
            case BinaryActivation():
                self.greatest = 1 << (layer.bits - 1)
                return layer
        if isinstance(layer, UNCHANGED):
            return layer
        raise UnsupportedModelError(
            f"layer {name} is {type(layer).__name__}, which has no frozen form; chains of quantised layers, batch norms, activations and pools have"
        )

    def _check_exact(self, layer: BinaryConv2d | BinaryLinear, name: str) -> None:
        if self.greatest is None:
            raise UnsupportedModelError(f"layer {name} reads real values; put a quantised activation in front of it")
        quantised = layer.quant_weight()
        codes = (quantised.value / quantised.scale).detach().abs().reshape(len(layer.weight), -1)
        reach = int(codes.double().sum(1).max()) * self.greatest
        if reach >= EXACT:
            raise UnsupportedModelError(f"layer {name} can reach sums of {reach}; float32 is exact below {EXACT}: take fewer bits or inputs")


def _frozen_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d | ScalarNorm, name: str) -> ChannelAffine:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    offset = norm.bias.detach().double() - norm.running_mean.double() * factor
    _check_finite(name, factor, offset)
    shape = (1, -1, 1, 1) if isinstance(norm, nn.BatchNorm2d) else (1, -1)
    return ChannelAffine(factor.float().reshape(shape), offset.float().reshape(shape))


def _frozen_matrix(layer: BinaryConv2d | BinaryLinear, name: str) -> nn.Module:
    _check_finite(name, layer.weight.detach())
    quantised = layer.quant_weight()
    value, scale = quantised.value.detach(), quantised.scale.detach()
    if not is_binary(layer):
        assert scale.numel() == 1
        codes = value / scale
        assert torch.equal(codes, codes.round())
        return _with_weights(layer, value, const_weight(int(quantised.bit_width), float(scale)))
    signs = torch.where(value >= 0, 1.0, -1.0)
    if torch.any(scale == 0):
        raise UnsupportedModelError(f"layer {name} has an output channel whose weights are all zero, so its scale is zero")
    matrix = _with_weights(layer, signs, BinaryWeight)
    if torch.all(scale == 1):
        return matrix
    shape = (1, -1, 1, 1) if isinstance(layer, BinaryConv2d) else (1, -1)
    return Network(matrix, ChannelScale(scale.reshape(shape)))


def _with_weights(layer: BinaryConv2d | BinaryLinear, weight: Tensor, weight_quant: object) -> nn.Module:
    if isinstance(layer, BinaryLinear):
        fresh: nn.Module = BinaryLinear(layer.in_features, layer.out_features, weight_quant=weight_quant)
    else:
        fresh = BinaryConv2d(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size[0],
            stride=layer.stride[0],
            padding=layer.border + layer.padding[0],
            padding_value=layer.padding_value,
            weight_quant=weight_quant,
        )
    assert isinstance(fresh.weight, nn.Parameter)
    fresh.weight.data.copy_(weight)
    return fresh


def _check_finite(name: str, *values: Tensor) -> None:
    if not all(bool(torch.isfinite(v).all()) for v in values):
        raise UnsupportedModelError(f"layer {name} has a weight or batch-norm statistic that is NaN or infinite")
