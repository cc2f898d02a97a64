"""Write an integer network step by step, each step run on the calibration images and checked as it is added."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from xnorflow.qat.integerise.grid import Grid, covering
from xnorflow.qat.integerise.network import INPUT, IntegerNetwork, Wire, checked_bound
from xnorflow.qat.integerise.pointwise import Affine, Quant, TwoSlope
from xnorflow.qat.integerise.reach import EXACT
from xnorflow.qat.integerise.settings import IntegeriseSettings
from xnorflow.qat.integerise.signal import Bend, Signal, chosen_grid
from xnorflow.qat.integerise.step import Step
from xnorflow.qat.layers import QuantScheme

# Far beyond any use, and far from where float32 loses small numbers.
MOST_FRACTION = 64


class Builder:
    """Collects the steps of a network.

    Args:
        settings: bits and coverage.
        scheme: the network's, for the gradient of its signs.
        grids: of the residual stream behind each unit, by the unit's name.
        entry: the stream's in front of the first unit.
    """

    def __init__(self, settings: IntegeriseSettings, scheme: QuantScheme, grids: Mapping[str, Grid], entry: Grid) -> None:
        self.settings, self.bits, self.scheme = settings, settings.bits, scheme
        self.grids, self.entry = grids, entry
        self.wires: list[Wire] = []
        self.steps: dict[str, Step] = {}

    def finish(self) -> IntegerNetwork:
        """The network of all steps so far, in evaluation mode."""
        network = IntegerNetwork(self.wires)
        for name, step in self.steps.items():
            network.steps[name].load_state_dict(step.state_dict())
        return network.eval()

    def emit(self, name: str, step: Step, *inputs: Signal) -> Signal:
        """Add a step that reads settled signals.

        Raises:
            UnsupportedModelError: it can exceed what float32 holds exactly; names it.
        """
        assert all(each.settled for each in inputs)
        assert name not in self.steps
        self.steps[name] = step.eval()
        self.wires.append(Wire(name, type(step).__name__, tuple(each.source for each in inputs), step.arguments()))
        bound = checked_bound(name, step, [each.reach for each in inputs])
        with torch.no_grad():
            sample = step(*(each.sample for each in inputs))
        return Signal(name, sample, bound.out)

    def emit_image(self, name: str, step: Step, images: Tensor) -> Signal:
        """Add the step that reads the normalised images, float32 NCHW."""
        self.steps[name] = step.eval()
        self.wires.append(Wire(name, type(step).__name__, (INPUT,), step.arguments()))
        bound = checked_bound(name, step, [])
        with torch.no_grad():
            return Signal(name, step(images), bound.out)

    def inner(self, name: str, x: Signal) -> Signal:
        """Settle a signal inside a unit, on a grid of its own."""
        if x.settled and significant_bits(x) <= self.bits.inner:
            return x
        grid = chosen_grid(x.values(), self.bits.inner, self.settings.coverage)
        if x.settled and grid.fraction > x.reach.fraction:
            grid = Grid(grid.bits, x.reach.fraction)
        if x.bend is not None:  # where the sample is far within the reach, its own grid may be finer than float32 can hold
            while grid.fraction > x.reach.fraction and self._two_slope(x, x.bend, grid).bound(x.reach).worst >= EXACT:
                grid = Grid(grid.bits, grid.fraction - 1)
        return self.settle(name, x, grid)

    def summable(self, name: str, x: Signal, weight: float) -> Signal:
        """A settled signal as it is, or rounded to fewer bits where sums of ``weight`` times its greatest integer would not be exact."""
        if x.reach.worst * weight < EXACT:
            return x
        bits = math.floor(math.log2((EXACT - 1) / weight)) + 1
        grid = chosen_grid(x.values(), bits, self.settings.coverage)
        return self.settle(name, x, Grid(bits, min(grid.fraction, x.reach.fraction)))

    def settle(self, name: str, x: Signal, grid: Grid) -> Signal:
        """Compute what is left to be done to a signal, rounded to the nearest point of a grid (a half goes up) and saturated."""
        if x.bend is not None:
            return self._quantise(name, self._bent(name, x, x.bend, grid), grid)
        if x.factor is not None or (x.offset is not None and bool((x.offset != 0).any())):
            return self._quantise(name, self._affine(name, x, grid), grid)
        x = replace(x, factor=None, offset=None)
        if x.reach.fraction <= grid.fraction:
            return self._quantise(name, x, grid)
        half = Affine(x.channels, offset=grid.fraction + 1)
        assert half.offset is not None
        half.offset.set(torch.full((x.channels,), grid.step / 2))
        return self._quantise(name, self.emit(f"{name}/half", half, x), grid)

    def bend(self, name: str, x: Signal, slope: Tensor, before: Tensor | None = None, after: Tensor | None = None) -> Signal:
        """A PReLU between two shifts; what it reads is settled first."""
        x = self.inner(f"{name}/in", x)
        zero = torch.zeros(x.channels, dtype=torch.float64)
        sides = (zero if side is None else side.detach().double().flatten() for side in (before, after))
        slopes = slope.detach().double().flatten().expand(x.channels)
        first, last = sides
        return replace(x, bend=Bend(first, slopes, last))

    def _quantise(self, name: str, x: Signal, grid: Grid) -> Signal:
        inside = float(x.reach.low.min()) >= grid.low and float(x.reach.high.max()) <= grid.high
        if x.reach.fraction == grid.fraction and inside:
            return x
        return self.emit(f"{name}/quant", Quant.on(grid), x)

    def _bent(self, name: str, x: Signal, bend: Bend, grid: Grid) -> Signal:
        return self.emit(f"{name}/prelu", self._two_slope(x, bend, grid), replace(x, bend=None))

    def _two_slope(self, x: Signal, bend: Bend, grid: Grid) -> TwoSlope:
        # The shifts stand on the finer of both grids, so the first one decides nothing that rounding would not.
        shift = max(x.reach.fraction, grid.fraction) + 1
        moved = bool((bend.before != 0).any())
        step = TwoSlope(x.channels, self.bits.slope, shift if moved else None, shift)
        if step.before is not None:
            step.before.set(bend.before)
        assert step.after is not None
        step.after.set(bend.after + grid.step / 2)
        step.slope.set(bend.slope)
        return step

    def _affine(self, name: str, x: Signal, grid: Grid) -> Signal:
        plain = replace(x, factor=None, offset=None)
        factor = torch.ones(x.channels, dtype=torch.float64) if x.factor is None else x.factor
        offset = torch.zeros(x.channels, dtype=torch.float64) if x.offset is None else x.offset
        wanted = _finest(factor, self.bits.coefficient)
        step = _exact_affine(plain, factor, offset, grid, wanted)
        if (step.factor is None or step.factor.fraction < wanted) and significant_bits(plain) > self.bits.accumulator:
            narrow = covering(float(plain.sample.abs().max()), self.bits.accumulator)
            if narrow.fraction < plain.reach.fraction:
                # Rounding down loses half a step on the average.
                lost = factor if factor.dim() == 1 else factor.mean((1, 2))
                offset = offset + lost * narrow.step / 2
            plain = self.emit(f"{name}/round", Quant.on(narrow), plain)
            step = _exact_affine(plain, factor, offset, grid, wanted)
        return self.emit(f"{name}/affine", step, plain)


def significant_bits(x: Signal) -> int:
    """Bits of a signed integer that holds everything a settled signal can be."""
    low, high = float(x.reach.low.min()), float(x.reach.high.max())
    return 1 + max(math.ceil(math.log2(max(-low, 1))), math.ceil(math.log2(max(high, 0) + 1)))


def _finest(factor: Tensor, bits: int) -> int:
    """Most bits behind the point with which all factors fit signed integers of ``bits`` bits."""
    most = float(factor.abs().max())
    if most < 2.0**-MOST_FRACTION:
        return MOST_FRACTION if most > 0 else 0
    return min(MOST_FRACTION, math.floor(math.log2(((1 << (bits - 1)) - 1) / most)))


def _exact_affine(x: Signal, factor: Tensor, offset: Tensor, grid: Grid, fraction: int) -> Affine:
    """The step with the most bits behind the point, up to ``fraction``, whose results float32 holds exactly.

    An offset that saturates the result whatever the input is cut to one that just does.
    """
    most = factor.reshape(x.channels, -1).abs().amax(1) * x.reach.magnitude * 2.0**-x.reach.fraction
    limit = most + max(-grid.low, grid.high) * grid.step
    while True:
        shift = x.reach.fraction + fraction
        size = None if factor.dim() == 1 else (factor.shape[1], factor.shape[2])
        step = Affine(x.channels, fraction, shift, size=size)
        assert step.factor is not None
        assert step.offset is not None
        step.factor.set(factor)
        half = grid.step / 2 if shift > grid.fraction else 0.0
        step.offset.set(offset.clamp(-limit, limit) + half)
        if step.bound(x.reach).worst < EXACT:
            return step
        fraction -= 1
