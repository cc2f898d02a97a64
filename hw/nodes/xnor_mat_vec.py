"""XnorMatVec: bipolar weights times bipolar inputs, as XNOR and popcount; with thresholds, the signs of what they leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell, Memory, period
from xnorflow.hw.estimate import cells, primitives
from xnorflow.hw.graph import StreamType
from xnorflow.hw.nodes._checks import one_input
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.types import BIPOLAR, IntType

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class XnorMatVec(MatVec):
    """``acc[m] = 2*popcount(xnor(x, w[m])) - MW (+ border)`` = ``sum_k w[m, k] * x[k]`` on values -1 and +1.

    Attributes:
        thresholds: int64 ``(MH,)``; where they are given, the output is BIPOLAR, +1 where ``acc[m] >= thresholds[m]``.
    """

    op = "XnorMatVec"
    paired_weights = True
    thresholds: IntArray | None = None

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if not (kind.dtype.bipolar and self.weight_type.bipolar):
            raise BadInputError(f"node {self.name}: XnorMatVec takes BIPOLAR inputs and weights, not {kind.dtype.name} and {self.weight_type.name}")
        (out,) = super().infer(ins)
        if self.thresholds is None:
            return (out,)
        if self.thresholds.shape != (self.mh,):
            raise BadInputError(f"node {self.name}: thresholds {self.thresholds.shape} do not fit {self.mh} rows")
        return (StreamType(out.shape, BIPOLAR),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (acc,) = super().execute(ins)
        return (acc if self.thresholds is None else np.where(acc >= self.thresholds, 1, -1),)

    def resources_at(self, x: IntType, acc: int) -> Resources:
        if self.thresholds is None:
            return super().resources_at(x, acc)
        nf, sf = self.mh // self.pe, self.mw // self.simd
        limits = self._limits()
        words = len(limits) * nf if self.border is not None else period(limits.reshape(nf, self.pe))
        bits = self._sum_type(limits).bits
        memory = primitives.rom_apart(self.pe * self.simd, nf * sf, paired=True) + cells.matvec_starts(self.pe * bits, words)
        return memory + cells.matvec_feed(self.simd, sf, nf) + self._row(x, bits) * self.pe + cells.matvec_queue(self.pe, sf)

    def _row(self, x: IntType, acc: int) -> Resources:
        constant = (self.pe, self.simd) == (self.mh, self.mw)
        return cells.xnor_products(self.simd, acc, self.mw // self.simd, constant=constant)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        if self.thresholds is None:
            return self._cell(ins, "xf_matvec_xnor", -self.mw, {"Sign": 0})
        limits = self._limits()
        bits = self._sum_type(limits).bits
        made = self._cell(ins, "xf_matvec_xnor", 0, {"Sign": 1})
        starts = -limits.reshape(-1, self.pe)
        if self.border is None:
            starts = starts[: period(starts)]
        memories = {**made.memories, "InitFile": Memory.of(starts, bits)}
        return Cell(made.module, {**made.parameters, "AccBits": bits, "InitWords": len(starts)}, memories)

    def _limits(self) -> IntArray:
        """The least popcount that passes the threshold, from 0 (always) to MW + 1 (never): ``(border classes, MH)``, one class without a border."""
        assert self.thresholds is not None, "of rows with thresholds"
        border = 0 if self.border is None else self.border.table.reshape(-1, self.mh)
        least = -((border - self.thresholds - self.mw) // 2)
        return np.clip(least, 0, self.mw + 1).reshape(-1, self.mh)

    def _sum_type(self, limits: IntArray) -> IntType:
        """The narrowest type of a popcount less its limit, whose sign is the result."""
        return IntType.containing(min(-int(limits.max()), -1), max(self.mw - int(limits.min()), 1))
