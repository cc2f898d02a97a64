"""Affine: per-channel integer multiply, add, shift and saturate, with a second slope below a knee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell, Memory, field_bits, period
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import arithmetic, kind_code, lanes_divide, one_input
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    import numpy.typing as npt

    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray, IntType

MAX_SUM_BITS = 62
KNEE_EXTRA = 2  # bits beyond the input's, so that a knee above every value has a sign too


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine(HardwareNode):
    """``out = sat((mul[c, p] * x + add[c, p]) >> shift)`` with the piece ``p = 1`` where ``x < knee[c]``, else 0.

    The shift is arithmetic, so it rounds towards minus infinity; ``sat`` is to the bounds of ``out_type``.

    Attributes:
        mul, add: int64 ``(C, P)``, P of 1 or 2 pieces; any sum has at most 62 bits.
        knee: int64 ``(C,)``, or ``(0,)`` where P is 1.
        shift: 0 to 61.
        out_type: type of the output, not BIPOLAR.
        lanes: elements a beat.
    """

    op = "Affine"
    mul: IntArray
    add: IntArray
    knee: IntArray
    shift: int
    out_type: IntType
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    @property
    def pieces(self) -> int:
        """Slopes of a channel: 1 or 2."""
        return int(self.mul.shape[1])

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if self.mul.shape not in ((kind.channels, 1), (kind.channels, 2)) or self.add.shape != self.mul.shape:
            raise BadInputError(f"node {self.name}: coefficients {self.mul.shape} and {self.add.shape} do not fit {kind.channels} channels")
        if self.knee.shape != ((kind.channels,) if self.pieces == 2 else (0,)):
            raise BadInputError(f"node {self.name}: {self.pieces} pieces with knees {self.knee.shape}")
        result = arithmetic(self, self.out_type)
        if not 0 <= self.shift < MAX_SUM_BITS or self.sum_bits(kind.dtype) > MAX_SUM_BITS:
            raise BadInputError(
                f"node {self.name}: shift {self.shift} of sums of {self.sum_bits(kind.dtype)} bits; at most {MAX_SUM_BITS} are accepted"
            )
        lanes_divide(self, self.lanes, kind.channels, "lanes")
        return (StreamType(kind.shape, result),)

    def sum_bits(self, kind: IntType) -> int:
        """Bits of the widest sum, two's complement; each piece counts over the whole range of the input."""
        reach = max(-kind.minimum, kind.maximum)
        if _greatest(self.mul) * reach + _greatest(self.add) < 1 << MAX_SUM_BITS:  # no product leaves int64
            return int((np.abs(self.mul) * reach + np.abs(self.add)).max()).bit_length() + 1
        greatest = max(abs(int(m)) * reach + abs(int(a)) for m, a in zip(self.mul.ravel(), self.add.ravel(), strict=True))
        return greatest.bit_length() + 1

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (x,) = ins
        mul, add = self.mul[:, 0], self.add[:, 0]
        if self.pieces == 2:
            below = x < self.knee
            mul, add = np.where(below, self.mul[:, 1], mul), np.where(below, self.add[:, 1], add)
        return (np.clip((mul * x + add) >> self.shift, self.out_type.minimum, self.out_type.maximum),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        return Timing.elementwise(ins[0].beats(self.lanes), latency=3)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        (kind,) = ins
        widths = (_signed_bits(self.mul), _signed_bits(self.add))
        shifted, folds = self.sum_bits(kind.dtype) - self.shift, self._folds(kind.dtype)
        return cells.affine(self.lanes, folds, kind.dtype.signed_bits, widths, shifted, self.out_type.bits, self.pieces)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        (kind,) = ins
        (mul_bits, add_bits), words = self._words(kind.dtype)
        parameters = {
            "Lanes": self.lanes,
            "Folds": len(words),
            "InBits": kind.dtype.bits,
            "InKind": kind_code(kind.dtype),
            "Pieces": self.pieces,
            "MulBits": mul_bits,
            "AddBits": add_bits,
            "SumBits": self.sum_bits(kind.dtype),
            "Shift": self.shift,
            "OutBits": self.out_type.bits,
            "OutKind": kind_code(self.out_type),
        }
        return Cell("xf_affine", parameters, {"InitFile": Memory(words)})

    def _folds(self, kind: IntType) -> int:
        """Words of the memory until they repeat themselves, without making them."""
        rows = np.concatenate([self.mul, self.add, np.clip(self.knee, kind.minimum, kind.maximum + 1).reshape(len(self.mul), -1)], axis=1)
        return period(rows.reshape(len(rows) // self.lanes, -1))

    def _words(self, kind: IntType) -> tuple[tuple[int, int], npt.NDArray[np.uint8]]:
        """Bits of a multiplier and of an addend, and the memory's words, no more than needed before they repeat themselves."""
        widths = (_signed_bits(self.mul), _signed_bits(self.add))
        pieces = [field_bits(values[:, p], bits) for p in range(self.pieces) for values, bits in zip((self.mul, self.add), widths, strict=True)]
        if self.pieces == 2:
            pieces.append(field_bits(np.clip(self.knee, kind.minimum, kind.maximum + 1), kind.bits + KNEE_EXTRA))
        rows = np.concatenate(pieces, axis=1)
        words = rows.reshape(len(rows) // self.lanes, -1)
        return widths, words[: period(words)]


def _greatest(values: IntArray) -> int:
    """The greatest magnitude."""
    return max(abs(int(values.min())), abs(int(values.max())))


def _signed_bits(values: IntArray) -> int:
    """Bits of two's complement that hold every value."""
    low, high = int(values.min()), int(values.max())
    return max(v if v >= 0 else -v - 1 for v in (low, high)).bit_length() + 1
