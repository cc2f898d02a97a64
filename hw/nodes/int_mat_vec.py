"""IntMatVec: integer inputs times integer or bipolar weights (first and last layers, few-bit networks)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.hw.estimate import cells
from xnorflow.hw.nodes._checks import kind_code
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from xnorflow.hw.cell import Cell, Resources
    from xnorflow.hw.graph import StreamType
    from xnorflow.hw.types import IntType


@dataclass(frozen=True, eq=False, kw_only=True)
class IntMatVec(MatVec):
    """``acc[m] = sum_k w[m, k] * x[k] (+ border)`` over any two stream types."""

    op = "IntMatVec"

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        dtype, weights = ins[0].dtype, self.weight_type
        kinds = {"InBits": dtype.bits, "InKind": kind_code(dtype), "WeightBits": weights.bits, "WeightKind": kind_code(weights)}
        return self._cell(ins, "xf_matvec_int", 0, kinds)

    def _row(self, x: IntType, acc: int) -> Resources:
        constant = (self.pe, self.simd) == (self.mh, self.mw)
        weight_bits = 1 if self.weight_type.bipolar else self.weight_type.signed_bits
        return cells.integer_products(self.simd, (x.signed_bits, weight_bits), acc, self.mw // self.simd, constant=constant)
