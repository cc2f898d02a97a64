"""How gates and the units that have them become steps: Real-to-Binary's and BNext's."""

from __future__ import annotations

from torch import Tensor, nn

from xnorflow.models.blocks.bnext import BNextBlock, BNextUnit, InfoRCP
from xnorflow.models.blocks.gate import Gate, SqueezeExcite
from xnorflow.models.blocks.real_to_binary import RealToBinaryUnit
from xnorflow.qat.integerise import convert
from xnorflow.qat.integerise.builder import Builder
from xnorflow.qat.integerise.grid import Grid, covering
from xnorflow.qat.integerise.join import Add, Concatenate, Multiply
from xnorflow.qat.integerise.reach import Reach
from xnorflow.qat.integerise.rewrite import chain, joined, rewrite, rewrites, skip_path
from xnorflow.qat.integerise.sigmoid import Sigmoid, safe_offset
from xnorflow.qat.integerise.signal import Signal, chosen_grid, spread
from xnorflow.qat.integerise.units import entered

GATE_BITS = 8


def _factors(b: Builder, name: str, gate: Gate | SqueezeExcite, mean: Signal) -> Signal:
    """The factors of a gate from the channels' means, ``(N, outputs, 1, 1)`` of 8 bits without sign."""
    weights, bits = b.bits.se
    coverage = b.settings.coverage
    squeezed = b.settle(f"{name}/in", mean, chosen_grid(mean.values(), bits, coverage))
    hidden = convert.integer_conv(b, f"{name}/squeeze", _kernel(gate.squeeze), gate.squeeze.bias, squeezed, weights)
    # The unsigned grid is the ReLU: what is negative saturates at 0.
    hidden = b.settle(f"{name}/relu", hidden, chosen_grid(hidden.values(), bits, coverage, signed=False))
    excited = convert.integer_conv(b, f"{name}/excite", _kernel(gate.excite), gate.excite.bias, hidden, weights)
    grid = chosen_grid(excited.values(), bits, coverage)
    excited = b.settle(f"{name}/excite", excited, grid)
    # Safe for every code of the grid: whoever makes a table of the sigmoid need not know which of them can come.
    codes = Reach.uniform(grid.low, grid.high, excited.channels, grid.fraction)
    return b.emit(f"{name}/sigmoid", Sigmoid(GATE_BITS, safe_offset(codes, GATE_BITS)), excited)


def _kernel(layer: nn.Linear | nn.Conv2d) -> Tensor:
    return layer.weight if isinstance(layer, nn.Conv2d) else layer.weight[:, :, None, None]


@rewrites(RealToBinaryUnit)
def _real_to_binary(b: Builder, name: str, unit: RealToBinaryUnit, x: Signal) -> Signal:
    x = entered(b, name, x)
    real = rewrite(b, f"{name}/norm", unit.norm, x)
    product = chain(b, name, [("sign", unit.sign), ("conv", unit.conv), ("scale", unit.scale)], real)
    if unit.gate is not None:
        gate = _factors(b, f"{name}/gate", unit.gate, convert.mean(b, f"{name}/gate/pool", real))
        product = b.emit(f"{name}/gated", Multiply(), b.inner(f"{name}/scale", product), gate)
    grid = b.grids[name]
    skip = skip_path(b, f"{name}/shortcut", unit.shortcut, x, grid)
    return joined(b, name, rewrite(b, f"{name}/prelu", unit.prelu, product), skip, grid)


@rewrites(BNextBlock)
def _bnext_block(b: Builder, name: str, block: BNextBlock, x: Signal) -> Signal:
    hidden = rewrite(b, f"{name}/spatial", block.spatial, x)
    parts = [rewrite(b, f"{name}/pointwise/{index}", unit, hidden) for index, unit in enumerate(block.pointwise)]
    return b.emit(f"{name}/concatenate", Concatenate(), *parts) if len(parts) > 1 else parts[0]


@rewrites(BNextUnit)
def _bnext(b: Builder, name: str, unit: BNextUnit, x: Signal) -> Signal:
    x = entered(b, name, x)
    grid = b.grids[name]
    bent = x
    if unit.activation is not None:
        own = Grid(b.bits.stream, x.reach.fraction)
        bent = b.settle(f"{name}/activation", rewrite(b, f"{name}/activation", unit.activation, x), own)
    residual = skip_path(b, f"{name}/shortcut", unit.shortcut, bent, grid)
    layers = [(own, unit.get_submodule(own)) for own in ("rsign", "conv", "norm1", "prelu")]
    branch = chain(b, name, layers, x)
    if unit.info_rcp is not None:
        branch = b.inner(f"{name}/prelu", branch)
        raw = x if unit.mix_raw and unit.activation is not None else None
        mean = _mixed_mean(b, name, unit, unit.info_rcp, residual if raw is None else _raw_skip(b, name, unit, raw, grid), branch)
        factors = _factors(b, f"{name}/info_rcp/attention", unit.info_rcp.attention, mean)
        branch = b.emit(f"{name}/info_rcp", Multiply(), branch, factors)
    if unit.activation is not None:
        branch = b.emit(f"{name}/attended", Multiply(), b.inner(f"{name}/narrow", branch), residual)
    if unit.norm2 is not None:
        branch = rewrite(b, f"{name}/norm2", unit.norm2, branch)
    return joined(b, name, branch, residual, grid)


def _raw_skip(b: Builder, name: str, unit: BNextUnit, x: Signal, grid: Grid) -> Signal:
    """What Info-RCP mixes in: the skip path of the stream itself. Only its mean is used, so averaging pixels in pairs is left out."""
    _, _, height, width = x.sample.shape
    whole = isinstance(unit.shortcut, nn.AvgPool2d) and height % 2 == 0 and width % 2 == 0
    return x if whole else skip_path(b, f"{name}/raw", unit.shortcut, x, grid)


def _mixed_mean(b: Builder, name: str, unit: BNextUnit, info_rcp: InfoRCP, skip: Signal, branch: Signal) -> Signal:
    """The mean of ``share * skip + (1 - share) * branch``, from the means of both."""
    share = info_rcp.mix.share.detach().double().flatten()
    own = f"{name}/info_rcp/mix"
    left = convert.mean(b, f"{own}/skip", skip).scaled(share)
    right = convert.mean(b, f"{own}/branch", branch).scaled(1 - share)
    greatest = max(spread(part.values(), b.settings.coverage) for part in (left, right))
    grid = covering(greatest, b.bits.inner)
    return b.emit(f"{own}/add", Add(), b.settle(f"{own}/skip", left, grid), b.settle(f"{own}/branch", right, grid))
