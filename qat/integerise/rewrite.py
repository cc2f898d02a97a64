"""How each kind of layer becomes steps: a registry by the layer's type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from xnorflow.errors import UnsupportedModelError
from xnorflow.models.blocks.channelwise import ChannelShift, RPReLU
from xnorflow.models.blocks.scales import ChannelFactor, RankOneFactor
from xnorflow.models.blocks.shortcut import PadShortcut
from xnorflow.models.layers import Network
from xnorflow.qat.integerise import convert
from xnorflow.qat.integerise.builder import Builder
from xnorflow.qat.integerise.grid import Grid
from xnorflow.qat.integerise.image import ImageCodes
from xnorflow.qat.integerise.join import Add
from xnorflow.qat.integerise.pointwise import Quant
from xnorflow.qat.integerise.pool import AveragePool, MaxPool, PadChannels
from xnorflow.qat.integerise.settings import KEPT
from xnorflow.qat.integerise.signal import Signal, chosen_grid
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d

Rewrite = Callable[[Builder, str, Any, Signal], Signal]
REWRITES: dict[type[nn.Module], Rewrite] = {}
NamedLayers = Iterable[tuple[str, nn.Module]]


def rewrites(*kinds: type[nn.Module]) -> Callable[[Rewrite], Rewrite]:
    """Register how layers of these types become steps: ``(builder, name, layer, input) -> output``."""

    def register(function: Rewrite) -> Rewrite:
        for kind in kinds:
            assert kind not in REWRITES
            REWRITES[kind] = function
        return function

    return register


def rewrite(b: Builder, name: str, layer: nn.Module, x: Signal) -> Signal:
    """Add the steps of a layer.

    Args:
        b: where they go.
        name: of the layer, with slashes.
        layer: a layer or a block of ``xnorflow.models``, quantised.
        x: what it reads.

    Raises:
        UnsupportedModelError: layers of its type have no integer form; names it.
    """
    if type(layer) not in REWRITES:
        raise UnsupportedModelError(f"layer {name} is {type(layer).__name__}, which has no integer form")
    return REWRITES[type(layer)](b, name, layer, x)


def chain(b: Builder, name: str, layers: NamedLayers, x: Signal) -> Signal:
    """Layers one behind the other."""
    for own, layer in layers:
        x = rewrite(b, f"{name}/{own}" if name else own, layer, x)
    return x


def skip_path(b: Builder, name: str, layer: nn.Module, x: Signal, grid: Grid) -> Signal:
    """A skip path, settled on the step of ``grid``; one bit wider where it multiplies, as the sum with the branch may come back."""
    out = rewrite(b, name, layer, x)
    return b.settle(name, out, grid if isinstance(layer, nn.AvgPool2d) or out.settled else grid.wider(1))


def joined(b: Builder, name: str, branch: Signal, skip: Signal, grid: Grid) -> Signal:
    """The sum of a branch and a skip path, saturated on ``grid``; the branch has one bit more, which loses nothing if the sum fits."""
    left = b.settle(f"{name}/branch", branch, grid.wider(1))
    return b.emit(f"{name}/quant", Quant.on(grid), b.emit(f"{name}/add", Add(), left, skip))


@rewrites(Network)
def _network(b: Builder, name: str, layer: Network, x: Signal) -> Signal:
    return chain(b, name, layer.named_children(), x)


@rewrites(nn.Identity, nn.Flatten)
def _nothing(b: Builder, name: str, layer: nn.Module, x: Signal) -> Signal:
    return x


@rewrites(BinaryActivation)
def _sign(b: Builder, name: str, layer: BinaryActivation, x: Signal) -> Signal:
    return convert.sign(b, name, layer, x)


@rewrites(BinaryConv2d)
def _binary_conv(b: Builder, name: str, layer: BinaryConv2d, x: Signal) -> Signal:
    return convert.binary_conv(b, name, layer, x)


@rewrites(nn.Conv2d)
def _real_conv(b: Builder, name: str, layer: nn.Conv2d, x: Signal) -> Signal:
    if isinstance(b.steps[x.source], ImageCodes):
        return convert.real_conv(b, name, layer, x, b.bits.stem[0])
    weights, activations = b.bits.downsample
    if activations != KEPT:
        x = b.settle(f"{name}/in", x, chosen_grid(x.values(), activations, b.settings.coverage))
    return convert.real_conv(b, name, layer, x, weights)


@rewrites(nn.BatchNorm2d, nn.BatchNorm1d)
def _norm(b: Builder, name: str, layer: nn.BatchNorm2d, x: Signal) -> Signal:
    return convert.norm(name, layer, x if x.bend is None else b.inner(f"{name}/in", x))


@rewrites(ChannelShift)
def _shift(b: Builder, name: str, layer: ChannelShift, x: Signal) -> Signal:
    shift = layer.shift.detach().flatten()
    x = x if x.bend is None else b.inner(f"{name}/in", x)
    return x.scaled(torch.ones_like(shift), shift)


@rewrites(ChannelFactor)
def _factor(b: Builder, name: str, layer: ChannelFactor, x: Signal) -> Signal:
    return x.scaled(layer.channel.detach().flatten())


@rewrites(RankOneFactor)
def _rank_one(b: Builder, name: str, layer: RankOneFactor, x: Signal) -> Signal:
    factor = (layer.channel * layer.row * layer.column).detach()
    convert.check_finite(name, factor)
    return x.scaled(factor)


@rewrites(nn.PReLU)
def _prelu(b: Builder, name: str, layer: nn.PReLU, x: Signal) -> Signal:
    return b.bend(name, x, layer.weight)


@rewrites(RPReLU)
def _rprelu(b: Builder, name: str, layer: RPReLU, x: Signal) -> Signal:
    return b.bend(name, x, layer.prelu.weight, layer.before.shift, layer.after.shift)


@rewrites(nn.Hardtanh)
def _hardtanh(b: Builder, name: str, layer: nn.Hardtanh, x: Signal) -> Signal:
    unit = b.entry.low * b.entry.step == -1 and (layer.min_val, layer.max_val) == (-1, 1)
    if not unit:
        raise UnsupportedModelError(f"layer {name} saturates at {layer.min_val} and {layer.max_val}, its grid elsewhere; -1 and 1 are accepted")
    return b.settle(name, x, b.entry)


@rewrites(nn.MaxPool2d)
def _max_pool(b: Builder, name: str, layer: nn.MaxPool2d, x: Signal) -> Signal:
    x = x if x.settled else b.settle(f"{name}/in", x, b.entry)
    sizes = (layer.kernel_size, layer.stride, layer.padding)
    kernel, stride, padding = (side if isinstance(side, int) else side[0] for side in sizes)
    return b.emit(name, MaxPool(kernel, stride, padding), x)


@rewrites(nn.AvgPool2d)
def _average_pool(b: Builder, name: str, layer: nn.AvgPool2d, x: Signal) -> Signal:
    return b.emit(name, AveragePool(), x)


@rewrites(nn.AdaptiveAvgPool2d)
def _mean(b: Builder, name: str, layer: nn.AdaptiveAvgPool2d, x: Signal) -> Signal:
    return convert.mean(b, name, x)


@rewrites(PadShortcut)
def _pad(b: Builder, name: str, layer: PadShortcut, x: Signal) -> Signal:
    return b.emit(name, PadChannels(layer.front, layer.back, layer.stride), x)


@rewrites(nn.Linear)
def _classifier(b: Builder, name: str, layer: nn.Linear, x: Signal) -> Signal:
    return convert.classifier(b, name, layer, x)
