"""XnorMatVec: bipolar weights times bipolar inputs, as XNOR and popcount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.estimate import cells, primitives
from xnorflow.hw.nodes._checks import one_input
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from xnorflow.hw.cell import Cell, Resources
    from xnorflow.hw.graph import StreamType


@dataclass(frozen=True, eq=False, kw_only=True)
class XnorMatVec(MatVec):
    """``acc[m] = 2*popcount(xnor(x, w[m])) - MW (+ border)`` = ``sum_k w[m, k] * x[k]`` on values -1 and +1."""

    op = "XnorMatVec"

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if not (kind.dtype.bipolar and self.weight_type.bipolar):
            raise BadInputError(f"node {self.name}: XnorMatVec takes BIPOLAR inputs and weights, not {kind.dtype.name} and {self.weight_type.name}")
        return super().infer(ins)

    def _weight_memory(self, width: int, depth: int) -> Resources:
        return primitives.rom_apart(width, depth)

    def _row(self, x_bits: int, acc: int) -> Resources:
        constant = (self.pe, self.simd) == (self.mh, self.mw)
        return cells.xnor_products(self.simd, acc, self.mw // self.simd, constant=constant)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        return self._cell(ins, "xf_matvec_xnor", -self.mw, {})
