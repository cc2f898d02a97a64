"""The sigmoid as a function of integers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xnorflow.errors import UnsupportedModelError
from xnorflow.qat.brevitas import QuantIdentity
from xnorflow.qat.integerise.grid import Grid
from xnorflow.qat.integerise.quantisers import grid_activation
from xnorflow.qat.integerise.reach import Reach
from xnorflow.qat.integerise.step import Bound, Step

# Steps of the code by which the sum must miss every jump: 2e-6, ten times what float32 sigmoids and sums differ by.
MARGIN = 2.0**-11
CANDIDATES = 33


class Sigmoid(Step):
    """The code ``floor((sigmoid(x) + offset) * 2**bits)``, saturated at ``2**bits - 1``: a table of the integers that ``x`` can be.

    Sigmoids of different runtimes differ in their last bits. The offset, about half a step, is chosen so that for no integer the sum
    comes within :data:`MARGIN` steps of where rounding jumps, so every runtime gives the same code.

    Args:
        bits: of the code; it has no sign and its greatest value is ``1 - 2**-bits``.
        offset: added in front of rounding down.
    """

    def __init__(self, bits: int, offset: float) -> None:
        super().__init__()
        self.bits, self.offset = bits, offset
        self.quant = QuantIdentity(act_quant=grid_activation(Grid(bits, bits, signed=False)))

    def forward(self, x: Tensor) -> Tensor:
        """Look up, in disguise."""
        out: Tensor = self.quant(torch.sigmoid(x) + self.offset)
        return out

    def arguments(self) -> dict[str, Any]:
        return {"bits": self.bits, "offset": self.offset}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        margin = _margin(_exact(x), self.bits, self.offset)
        if margin < MARGIN:
            raise UnsupportedModelError(f"its sigmoid comes within {margin:.2g} steps of a jump, where runtimes may differ; {MARGIN} are safe")
        out = Grid(self.bits, self.bits, signed=False)
        return Bound(Reach.uniform(out.low, out.high, x.channels, self.bits), max(x.worst, out.high))


def safe_offset(x: Reach, bits: int) -> float:
    """The offset nearest to half a step of a ``bits``-bit code that keeps the sigmoid of ``x`` clear of every jump.

    Raises:
        UnsupportedModelError: there is none.
    """
    values, step = _exact(x), 2.0**-bits
    for index in range(CANDIDATES):
        away = (index + 1) // 2 * (1 if index % 2 else -1)
        offset = step / 2 + away * step / (2 * CANDIDATES - 2)
        offset = round(offset * 2.0**20) / 2.0**20
        if _margin(values, bits, offset) >= MARGIN:
            return offset
    raise UnsupportedModelError(f"no rounding of its sigmoid to {bits} bits is safe for all {len(values)} values of its input; take fewer bits")


def _exact(x: Reach) -> Tensor:
    """Float64 sigmoids of every integer that ``x`` can be."""
    integers = torch.arange(float(x.low.min()), float(x.high.max()) + 1, dtype=torch.float64)
    return torch.sigmoid(integers * 2.0**-x.fraction)


def _margin(values: Tensor, bits: int, offset: float) -> float:
    codes = (values + offset) * 2.0**bits
    inside = codes < (1 << bits) - 1 + MARGIN
    return float((codes - codes.round()).abs()[inside].min()) if bool(inside.any()) else 1.0
