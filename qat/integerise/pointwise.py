"""Steps that work element by element: quantise, multiply and add, bend."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from xnorflow.qat.brevitas import QuantIdentity
from xnorflow.qat.integerise.grid import Grid
from xnorflow.qat.integerise.quantisers import grid_activation
from xnorflow.qat.integerise.reach import Reach
from xnorflow.qat.integerise.step import Bound, OnGrid, Step


class Quant(Step):
    """Round down to a grid and saturate.

    Args:
        bits, fraction, signed: the grid.
        nearest: round half to even, for the image only.
    """

    def __init__(self, bits: int, fraction: int, signed: bool = True, nearest: bool = False) -> None:
        super().__init__()
        self.grid = Grid(bits, fraction, signed)
        self.nearest = nearest
        self.quant = QuantIdentity(act_quant=grid_activation(self.grid, nearest=nearest))

    @classmethod
    def on(cls, grid: Grid) -> Quant:
        """The step for a grid."""
        return cls(grid.bits, grid.fraction, grid.signed)

    def forward(self, x: Tensor) -> Tensor:
        """Quantise."""
        out: Tensor = self.quant(x)
        return out

    def arguments(self) -> dict[str, Any]:
        return {"bits": self.grid.bits, "fraction": self.grid.fraction, "signed": self.grid.signed, "nearest": self.nearest}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        factor = 2.0 ** (self.grid.fraction - x.fraction)
        low, high = (torch.floor(side * factor).clamp(self.grid.low, self.grid.high) for side in (x.low, x.high))
        return Bound.of(Reach(low, high, self.grid.fraction))


class Affine(Step):
    """``x * factor + offset`` per channel, both on grids; either may be missing.

    Args:
        channels: of the input.
        factor: bits behind the binary point of the factors; None for no factor.
        offset: those of the offsets; None for no offset.
        rank: dimensions of the input, 4 for NCHW, 2 for ``(N, C)``.
        size: rows and columns, where the factors differ from pixel to pixel.
    """

    def __init__(
        self, channels: int, factor: int | None = None, offset: int | None = None, rank: int = 4, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__()
        shape = (1, channels) + (1, 1) * (rank // 2 - 1)
        self.channels, self.rank, self.size = channels, rank, size
        self.factor = None if factor is None else OnGrid(shape if size is None else (1, channels, *size), factor)
        self.offset = None if offset is None else OnGrid(shape, offset)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply, then add."""
        if self.factor is not None:
            x = x * self.factor()
        return x if self.offset is None else x + self.offset()

    def arguments(self) -> dict[str, Any]:
        fractions = {name: None if part is None else part.fraction for name, part in (("factor", self.factor), ("offset", self.offset))}
        return {"channels": self.channels, "rank": self.rank, "size": self.size, **fractions}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        worst = 0.0
        if self.factor is not None:
            factor = self.factor.integers.reshape(self.channels, -1)
            ends = torch.stack([x.low[:, None] * factor, x.high[:, None] * factor])
            x = Reach(ends.amin((0, 2)), ends.amax((0, 2)), x.fraction + self.factor.fraction)
            worst = x.worst
        if self.offset is not None:
            x = _shifted(x, self.offset).out
        return Bound(x, max(worst, x.worst))


class TwoSlope(Step):
    """``v = x + before``, ``v`` where it is at least 0 and ``slope * v`` elsewhere, ``+ after``; all per channel (PReLU, RPReLU).

    Args:
        channels: of the NCHW input.
        slope: bits behind the binary point of the slopes.
        before, after: those of the shifts; None for no shift.
    """

    def __init__(self, channels: int, slope: int, before: int | None = None, after: int | None = None) -> None:
        super().__init__()
        self.channels = channels
        self.slope = OnGrid((channels,), slope)
        self.before = None if before is None else OnGrid((1, channels, 1, 1), before)
        self.after = None if after is None else OnGrid((1, channels, 1, 1), after)

    def forward(self, x: Tensor) -> Tensor:
        """Shift, bend, shift."""
        if self.before is not None:
            x = x + self.before()
        x = functional.prelu(x, self.slope())
        return x if self.after is None else x + self.after()

    def arguments(self) -> dict[str, Any]:
        shifts = {name: None if part is None else part.fraction for name, part in (("before", self.before), ("after", self.after))}
        return {"channels": self.channels, "slope": self.slope.fraction, **shifts}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        first = _shifted(x, self.before)
        fraction, slope = first.out.fraction + self.slope.fraction, self.slope.integers
        fine = first.out.on(fraction)
        bent = torch.stack([first.out.low.clamp(max=0) * slope, first.out.high.clamp(max=0) * slope, fine.low.clamp(min=0), fine.high.clamp(min=0)])
        out = Reach(bent.amin(0), bent.amax(0), fraction)
        second = _shifted(out, self.after)
        return Bound(second.out, max(first.worst, out.worst, second.worst))


def _shifted(x: Reach, shift: OnGrid | None) -> Bound:
    if shift is None:
        return Bound.of(x)
    fraction = max(x.fraction, shift.fraction)
    fine = x.on(fraction)
    amount = shift.integers.flatten() * 2.0 ** (fraction - shift.fraction)
    return Bound.of(Reach(fine.low + amount, fine.high + amount, fraction))
