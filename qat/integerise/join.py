"""Steps that read two tensors or more."""

from __future__ import annotations

import torch
from torch import Tensor

from xnorflow.errors import UnsupportedModelError
from xnorflow.qat.integerise.reach import Reach
from xnorflow.qat.integerise.step import Bound, Step


class Add(Step):
    """The sum of two tensors on one grid."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Add."""
        return left + right

    def bound(self, *ins: Reach) -> Bound:
        left, right = ins
        _same_grid(ins)
        return Bound.of(Reach(left.low + right.low, left.high + right.high, left.fraction))


class Multiply(Step):
    """The product of two tensors, NCHW both or the second ``(N, C, 1, 1)``."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Multiply."""
        return left * right

    def bound(self, *ins: Reach) -> Bound:
        left, right = ins
        ends = torch.stack([left.low * right.low, left.low * right.high, left.high * right.low, left.high * right.high])
        return Bound.of(Reach(ends.amin(0), ends.amax(0), left.fraction + right.fraction))


class Concatenate(Step):
    """The channels of tensors on one grid, one after the other."""

    def forward(self, *parts: Tensor) -> Tensor:
        """Concatenate NCHW."""
        return torch.cat(parts, 1)

    def bound(self, *ins: Reach) -> Bound:
        _same_grid(ins)
        return Bound.of(Reach(torch.cat([part.low for part in ins]), torch.cat([part.high for part in ins]), ins[0].fraction))


def _same_grid(ins: tuple[Reach, ...]) -> None:
    fractions = sorted({part.fraction for part in ins})
    if len(fractions) > 1:
        raise UnsupportedModelError(f"joins tensors on grids of {' and '.join(map(str, fractions))} fraction bits; one grid is accepted")
