"""What XnorMatVec and IntMatVec share: shape rule, border correction, exact accumulation."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell, Memory, address_bits
from xnorflow.hw.estimate import cells, primitives
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import lanes_divide, one_input
from xnorflow.hw.timing import Pipeline, Timing
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray

BORDER_BITS_PER_LUT = 36.0  # of a border's table: corrections are small, so that their upper bits are alike


@dataclass(frozen=True, eq=False)
class Border:
    """Makes zero padding exact where the stream cannot hold a zero: adds a constant that depends on the border class.

    The stream is padded with -1 there, so each padded tap has added ``-w``; the table adds ``+w`` back. Positions whose
    windows overlap the border alike share a class, so a 3x3 kernel has at most 3 row classes times 3 column classes.

    Attributes:
        row_class: int64 ``(OH,)``, the class of each output row, from 0.
        col_class: int64 ``(OW,)``, the class of each output column, from 0.
        table: int64 ``(row classes, column classes, MH)``, what is added to the accumulator.
    """

    row_class: IntArray
    col_class: IntArray
    table: IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class MatVec(HardwareNode):
    """``acc[m] = sum_k w[m, k] * x[k] (+ border)`` for each pixel's vector x of MW elements; ``(..., MW) -> (..., MH)``.

    Folded over PE rows and SIMD columns: ``(MH/PE) * (MW/SIMD)`` cycles a vector.

    Attributes:
        weights: int64 ``(MH, MW)``.
        weight_type: type of the weights.
        pe, simd: rows and columns computed in one cycle; 0 where not chosen yet.
        border: correction for zero padding, or None.
        paired_weights: whether short memories of weights are LUTs of two columns.
    """

    paired_weights: ClassVar[bool] = False

    weights: IntArray
    weight_type: IntType
    pe: int = 0
    simd: int = 0
    border: Border | None = None

    @property
    def in_lanes(self) -> int:
        return self.simd

    @property
    def out_lanes(self) -> int:
        return self.pe

    @property
    def mh(self) -> int:
        """Rows of the matrix: output channels."""
        return int(self.weights.shape[0])

    @property
    def mw(self) -> int:
        """Columns of the matrix: elements of an input vector."""
        return int(self.weights.shape[1])

    def accumulator_range(self, kind: StreamType) -> tuple[int, int]:
        """Least and greatest accumulator that any input of that type can reach, border correction included."""
        positive = np.where(self.weights > 0, self.weights, 0).sum(axis=1)
        negative = np.where(self.weights < 0, self.weights, 0).sum(axis=1)
        low, high = kind.dtype.minimum, kind.dtype.maximum
        lows, highs = positive * low + negative * high, positive * high + negative * low
        if self.border is not None:
            table = self.border.table.reshape(-1, self.mh)
            lows, highs = lows + np.minimum(table.min(axis=0), 0), highs + np.maximum(table.max(axis=0), 0)
        return int(lows.min()), int(highs.max())

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if self.weights.ndim != 2 or kind.channels != self.mw:
            raise BadInputError(f"node {self.name}: weights {self.weights.shape} do not fit a stream {kind.shape}; its last size must be MW")
        if not self.weight_type.allows(self.weights):
            raise BadInputError(f"node {self.name}: a weight is outside {self.weight_type.name}")
        lanes_divide(self, self.simd, self.mw, "SIMD")
        lanes_divide(self, self.pe, self.mh, "PE")
        self._check_border(kind)
        return (StreamType((*kind.shape[:-1], self.mh), IntType.containing(*self._signed_range(kind))),)

    def _signed_range(self, kind: StreamType) -> tuple[int, int]:
        low, high = self.accumulator_range(kind)
        return min(low, -1), max(high, 0)

    def _check_border(self, kind: StreamType) -> None:
        if self.border is None:
            return
        rows, cols = self.border.row_class, self.border.col_class
        shape = (int(rows.max()) + 1, int(cols.max()) + 1, self.mh)
        if len(kind.shape) != 3 or (len(rows), len(cols)) != kind.shape[:2] or self.border.table.shape != shape:
            raise BadInputError(f"node {self.name}: border table {self.border.table.shape} does not fit a stream {kind.shape}")

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (x,) = ins
        acc = exact_matmul(x, self.weights)
        if self.border is not None:
            acc = acc + self.border.table[self.border.row_class][:, self.border.col_class]
        return (acc,)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        nf, sf = self.mh // self.pe, self.mw // self.simd
        vectors = ins[0].size // self.mw
        vector = np.repeat(np.arange(vectors, dtype=np.int64), sf)
        beat = np.tile(np.arange(sf, dtype=np.int64), vectors)
        if nf == 1:  # the beats pass through; only a vector's last one waits for a place in the output queue
            room, latency, queue = np.where(beat == sf - 1, vector + 1, vector) - max(2, -(-4 // sf)), 3, self._queue
        else:  # a vector is taken when the one two before it has been read
            room, latency, queue = (vector - 1) * nf, 1, 0
        need = np.repeat(np.arange(1, vectors + 1, dtype=np.int64) * sf, nf)
        return Timing(need=need, room=room, gap=np.full(vectors * nf, sf, dtype=np.int64), latency=latency, queue=queue)

    @property
    def pipeline(self) -> Pipeline | None:
        return Pipeline(cycles=3, places=self._queue) if self.mh > self.pe else None

    @property
    def _queue(self) -> int:
        """Results that fit at the output, those that are on their way included."""
        return 2 if self.mw > self.simd else 4

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        return self.resources_at(ins[0].dtype, self.infer(ins)[0].dtype.bits)

    def resources_at(self, x: IntType, acc: int) -> Resources:
        """Resources with inputs of a type and accumulators of ``acc`` bits, which no folding changes."""
        nf, sf = self.mh // self.pe, self.mw // self.simd
        border = 0 if self.border is None else self.border.table.shape[0] * self.border.table.shape[1] * nf
        memory = primitives.rom_apart(self.pe * self.simd * self.weight_type.bits, nf * sf, paired=self.paired_weights)
        memory = memory + primitives.rom(self.pe * acc, border, BORDER_BITS_PER_LUT)
        return memory + cells.matvec_feed(self.simd * x.bits, sf, nf) + self._row(x, acc) * self.pe + cells.matvec_queue(self.pe * acc, sf)

    @abstractmethod
    def _row(self, x: IntType, acc: int) -> Resources:
        """One PE: products, sum and accumulator; constant weights are folded into the logic."""

    def _cell(self, ins: tuple[StreamType, ...], module: str, offset: int, extra: dict[str, int]) -> Cell:
        """The cell, with ``offset`` added to every accumulator and parameters of the kind of product."""
        (kind,) = ins
        bits = self.infer(ins)[0].dtype.bits
        nf, sf = self.mh // self.pe, self.mw // self.simd
        codes = self.weight_type.encode(self.weights).astype(np.int64).reshape(nf, self.pe, sf, self.simd).transpose(0, 2, 1, 3)
        memories = {"WeightFile": Memory.of(codes.reshape(nf * sf, -1), self.weight_type.bits)}
        parameters = {"Mw": self.mw, "Mh": self.mh, "Simd": self.simd, "Pe": self.pe, "AccBits": bits, **extra}
        if self.border is None:
            memories["InitFile"] = Memory.of(np.full((1, self.pe), offset, dtype=np.int64), bits)
            return Cell(module, {**parameters, "Border": 0, "InitWords": 1}, memories)
        rows, cols, _ = self.border.table.shape
        words = rows * cols * nf
        memories["InitFile"] = Memory.of(self.border.table.reshape(words, self.pe) + offset, bits)
        memories["RowFile"] = Memory.of(self.border.row_class[:, None] * (cols * nf), address_bits(words))
        memories["ColFile"] = Memory.of(self.border.col_class[:, None] * nf, address_bits(words))
        size = {"OutRows": kind.shape[0], "OutCols": kind.shape[1]}
        return Cell(module, {**parameters, "Border": 1, **size, "InitWords": words}, memories)


def exact_matmul(x: IntArray, weights: IntArray) -> IntArray:
    """``x @ weights.T`` in exact integers, through the floats that BLAS is fast with.

    Every product and every partial sum, in whatever order and with whatever grouping, is an integer of at most the bound, and a
    float32 holds all integers to 2**24 (a float64 to 2**53); so nothing is ever rounded.
    """
    bound = int(np.abs(weights).sum(axis=1).max(initial=0)) * int(np.abs(x).max(initial=0))
    if bound >= 1 << 53:
        return x @ weights.T
    kind = np.float32 if bound < 1 << 24 else np.float64
    rows = x.reshape(-1, x.shape[-1]).astype(kind)  # one product, not one for each row of the image
    product: IntArray = (rows @ weights.T.astype(kind)).astype(np.int64).reshape(*x.shape[:-1], len(weights))
    return product
