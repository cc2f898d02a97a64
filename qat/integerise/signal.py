"""A tensor on the way through a network that is being integerised: integers, and what is still to be done to them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from xnorflow.qat.integerise.grid import Grid, covering
from xnorflow.qat.integerise.reach import Reach

MOST_SAMPLES = 1 << 21


@dataclass(frozen=True, eq=False)
class Bend:
    """A two-slope function that stands behind the integers; all float64 ``(C,)``.

    Attributes:
        before: added first.
        slope: of what is negative then.
        after: added last.
    """

    before: Tensor
    slope: Tensor
    after: Tensor


@dataclass(frozen=True, eq=False)
class Signal:
    """The output of a step, and an affine or a two-slope function of it that no step computes yet.

    Attributes:
        source: name of the step.
        sample: what it made of the calibration images, float32 NCHW.
        reach: what it can make.
        factor: float64 ``(C,)`` or ``(C, H, W)``; None for 1.
        offset: float64 ``(C,)``; None for 0.
        bend: instead of both.
    """

    source: str
    sample: Tensor
    reach: Reach
    factor: Tensor | None = None
    offset: Tensor | None = None
    bend: Bend | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing is left to be done."""
        return self.factor is None and self.offset is None and self.bend is None

    @property
    def channels(self) -> int:
        """How many."""
        return self.reach.channels

    def scaled(self, factor: Tensor, offset: Tensor | None = None) -> Signal:
        """``self * factor + offset``; nothing bends in front of it."""
        assert self.bend is None
        factor = factor.double()
        whole = factor if self.factor is None else _times(self.factor, factor)
        moved = self.offset
        if moved is not None:
            assert factor.dim() == 1
            moved = moved * factor
        if offset is not None:
            moved = offset.double() if moved is None else moved + offset.double()
        return replace(self, factor=whole, offset=moved)

    def values(self) -> Tensor:
        """What the calibration images would be here without rounding, float64."""
        x = self.sample.double()
        if self.bend is not None:
            before, after = (side.reshape(1, -1, 1, 1) for side in (self.bend.before, self.bend.after))
            return functional.prelu(x + before, self.bend.slope) + after
        if self.factor is not None:
            x = x * (self.factor.reshape(1, -1, 1, 1) if self.factor.dim() == 1 else self.factor[None])
        return x if self.offset is None else x + self.offset.reshape(1, -1, 1, 1)


def chosen_grid(values: Tensor, bits: int, coverage: float, *, signed: bool = True) -> Grid:
    """The finest grid that holds all but ``1 - coverage`` of the values.

    Args:
        values: of any shape.
        bits: width.
        coverage: share that must not saturate.
        signed: whether there are negative values; they become 0 otherwise.
    """
    return covering(spread(values, coverage, signed=signed), bits, signed=signed)


def spread(values: Tensor, coverage: float, *, signed: bool = True) -> float:
    """The magnitude that all but ``1 - coverage`` of the values keep to."""
    flat = values.detach().flatten().float()
    flat = flat[:: 1 + len(flat) // MOST_SAMPLES]
    flat = flat.abs() if signed else flat.clamp(min=0)
    rank = max(1, min(len(flat), int(torch.tensor(coverage, dtype=torch.float64).mul(len(flat)).ceil())))
    return float(flat.kthvalue(rank).values)


def _times(left: Tensor, right: Tensor) -> Tensor:
    if left.dim() == right.dim():
        return left * right
    one, whole = (left, right) if left.dim() == 1 else (right, left)
    return one[:, None, None] * whole
