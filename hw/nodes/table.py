"""Table: any function of one small integer, per channel or shared, as a ROM; for chains that are not monotone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell, Memory, period
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import lanes_divide, one_input
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray, IntType


@dataclass(frozen=True, eq=False, kw_only=True)
class Table(HardwareNode):
    """``out[c] = values[c, code(x[c])]`` with ``code`` the bit pattern of x on the wire (IntType.encode).

    Attributes:
        values: int64 ``(C, 2**bits)``, or ``(1, 2**bits)`` when all channels share one table.
        out_type: type of the output.
        lanes: elements a beat.
    """

    op = "Table"
    values: IntArray
    out_type: IntType
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if kind.dtype.bits == 1 and kind.dtype.signed and not kind.dtype.bipolar:
            raise BadInputError(f"node {self.name}: Table takes BIPOLAR or UINT1 as one-bit input, not {kind.dtype.name}")
        shapes = ((1, 1 << kind.dtype.bits), (kind.channels, 1 << kind.dtype.bits))
        if self.values.shape not in shapes:
            raise BadInputError(f"node {self.name}: table {self.values.shape} does not fit; {shapes[0]} or {shapes[1]} is accepted")
        if not self.out_type.allows(self.values):
            raise BadInputError(f"node {self.name}: a table value is outside {self.out_type.name}")
        lanes_divide(self, self.lanes, kind.channels, "lanes")
        return (StreamType(kind.shape, self.out_type),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (x,) = ins
        bits = int(self.values.shape[1]).bit_length() - 1
        codes = (x > 0).astype(np.int64) if bits == 1 and x.min(initial=0) < 0 else x & ((1 << bits) - 1)
        channel = np.arange(x.shape[-1]) if len(self.values) > 1 else np.zeros(x.shape[-1], dtype=np.int64)
        return (self.values[channel, codes],)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        return Timing.elementwise(ins[0].beats(self.lanes), latency=2)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        (kind,) = ins
        rows, entries = self.values.shape
        folds = 1 if rows == 1 else self._folds(kind)
        return cells.table(self.lanes, self.out_type.bits, entries * folds, folds)

    def _folds(self, kind: StreamType) -> int:
        """Beats after which the lanes' tables repeat themselves."""
        return period(self.values.reshape(kind.channels // self.lanes, -1))

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        (kind,) = ins
        codes = self.out_type.encode(self.values).astype(np.int64)
        shared = len(codes) == 1
        folds = 1 if shared else self._folds(kind)
        # Word fold * 2**bits + code holds one field for each lane.
        lanes = 1 if shared else self.lanes
        fields = codes[: folds * lanes].reshape(folds, lanes, -1).transpose(0, 2, 1).reshape(-1, lanes)
        size = {"Lanes": self.lanes, "Folds": folds, "InBits": kind.dtype.bits, "OutBits": self.out_type.bits, "Shared": int(shared)}
        return Cell("xf_table", size, {"InitFile": Memory.of(fields, self.out_type.bits)})
