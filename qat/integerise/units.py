"""How the units of the residual networks become steps: Bi-Real's, ReCU's, ReActNet's, and those with one skip."""

from __future__ import annotations

from torch import nn

from xnorflow.models.blocks.bireal import BiRealUnit
from xnorflow.models.blocks.react import ReActNetABlock, ReActUnit
from xnorflow.models.blocks.recu import ReCUUnit
from xnorflow.models.blocks.single_skip import BnnBlock, XnorBlock
from xnorflow.qat.integerise.builder import Builder
from xnorflow.qat.integerise.join import Concatenate
from xnorflow.qat.integerise.rewrite import NamedLayers, chain, joined, rewrite, rewrites, skip_path
from xnorflow.qat.integerise.signal import Signal


def _unit(b: Builder, name: str, branch: NamedLayers, shortcut: nn.Module, x: Signal) -> Signal:
    x = entered(b, name, x)
    grid = b.grids[name]
    inner = chain(b, name, branch, x)
    return joined(b, name, inner, skip_path(b, f"{name}/shortcut", shortcut, x, grid), grid)


def entered(b: Builder, name: str, x: Signal) -> Signal:
    """The stream a unit reads; what the stem left to be done is done in front of the first one."""
    return x if x.settled else b.settle(f"{name}/in", x, b.entry)


@rewrites(BiRealUnit)
def _bireal(b: Builder, name: str, unit: BiRealUnit, x: Signal) -> Signal:
    return _unit(b, name, _named(unit, "sign", "conv", "norm"), unit.shortcut, x)


@rewrites(ReCUUnit)
def _recu(b: Builder, name: str, unit: ReCUUnit, x: Signal) -> Signal:
    # The hard tanh is the saturation of the stream's grid, which ends at -1 and 1.
    return _unit(b, name, _named(unit, "sign", "conv", "factor", "norm"), unit.shortcut, x)


@rewrites(BnnBlock, XnorBlock)
def _single_skip(b: Builder, name: str, unit: BnnBlock | XnorBlock, x: Signal) -> Signal:
    return _unit(b, name, _named(unit, "body"), unit.shortcut, x)


@rewrites(ReActUnit)
def _react(b: Builder, name: str, unit: ReActUnit, x: Signal) -> Signal:
    total = _unit(b, name, _named(unit, "rsign", "conv", "scale", "norm"), unit.shortcut, x)
    return b.settle(f"{name}/rprelu", rewrite(b, f"{name}/rprelu", unit.rprelu, total), b.grids[name])


@rewrites(ReActNetABlock)
def _reactnet_a(b: Builder, name: str, block: ReActNetABlock, x: Signal) -> Signal:
    grid = b.grids[name]
    total = _unit(b, name, _named(block, "rsign1", "conv", "norm"), block.shortcut, x)
    hidden = b.settle(f"{name}/rprelu1", rewrite(b, f"{name}/rprelu1", block.rprelu1, total), grid)
    signs = rewrite(b, f"{name}/rsign2", block.rsign2, hidden)
    branches = [(f"{name}/branches/{index}", layers) for index, layers in enumerate(block.branches)]
    parts = [joined(b, own, rewrite(b, own, layers, signs), hidden, grid) for own, layers in branches]
    wide = b.emit(f"{name}/concatenate", Concatenate(), *parts) if len(parts) > 1 else parts[0]
    return b.settle(f"{name}/rprelu2", rewrite(b, f"{name}/rprelu2", block.rprelu2, wide), grid)


def _named(unit: nn.Module, *names: str) -> NamedLayers:
    return [(name, unit.get_submodule(name)) for name in names]
