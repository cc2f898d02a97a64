"""Threshold: per-channel sorted integer thresholds, to BIPOLAR or an n-bit code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell, Memory, field_bits, period
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import kind_code, lanes_divide, one_input
from xnorflow.hw.timing import Timing
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    import numpy.typing as npt

    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Threshold(HardwareNode):
    """``out[c] = base + step * #{l : s[c]*x[c] >= thresholds[c, l]}`` with ``s[c] = -1`` where ``negate[c]``, else +1.

    A channel whose ``negate`` is set serves a decreasing function (negative batch-norm gamma). Thresholds outside the
    input's range mean always or never; the lowering clamps them to ``[minimum, maximum + 1]`` of ``s*x``.

    Attributes:
        thresholds: int64 ``(C, L)``, ascending along L.
        negate: bool ``(C,)``.
        base, step: -1 and 2 for BIPOLAR, the least code and 1 otherwise.
        out_type: type of the output; holds ``base`` .. ``base + step*L``.
        lanes: elements a beat.
    """

    op = "Threshold"
    thresholds: IntArray
    negate: np.ndarray[tuple[int], np.dtype[np.bool_]]
    base: int
    step: int
    out_type: IntType
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    @property
    def levels(self) -> int:
        """Thresholds per channel."""
        return int(self.thresholds.shape[1])

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if self.thresholds.ndim != 2 or len(self.thresholds) != kind.channels or self.negate.shape != (kind.channels,):
            raise BadInputError(f"node {self.name}: thresholds {self.thresholds.shape} do not fit {kind.channels} channels")
        if np.any(np.diff(self.thresholds, axis=1) < 0):
            raise BadInputError(f"node {self.name}: thresholds are not ascending")
        if not self.out_type.allows(self.base + self.step * np.arange(self.levels + 1, dtype=np.int64)):
            raise BadInputError(f"node {self.name}: {self.levels} thresholds do not fit {self.out_type.name}")
        lanes_divide(self, self.lanes, kind.channels, "lanes")
        return (StreamType(kind.shape, self.out_type),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (x,) = ins
        signed = np.where(self.negate, -x, x)
        count = np.zeros_like(x)
        for level in range(self.levels):
            count += signed >= self.thresholds[:, level]
        return (self.base + self.step * count,)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        return Timing.elementwise(ins[0].beats(self.lanes), latency=2)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        (kind,) = ins
        return cells.threshold(self.lanes, self._folds(kind.dtype), kind.dtype.bits, self.out_type.bits, self.levels)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        (kind,) = ins
        base, step = (self.base, self.step) if not self.out_type.bipolar else ((self.base + 1) // 2, self.step // 2)
        bits, words = self._words(kind.dtype)
        parameters = {
            "Lanes": self.lanes,
            "Folds": len(words),
            "InBits": kind.dtype.bits,
            "InKind": kind_code(kind.dtype),
            "OutBits": self.out_type.bits,
            "Levels": max(1, self.levels),
            "ThresholdBits": bits,
            "Base": base % (1 << self.out_type.bits),
            "Step": step % (1 << self.out_type.bits),
        }
        return Cell("xf_threshold", parameters, {"InitFile": Memory(words)})

    def _folds(self, kind: IntType) -> int:
        """Words of the memory until they repeat themselves, without making them."""
        rows = np.concatenate([self._stored_thresholds(kind), self.negate.astype(np.int64)[:, None]], axis=1)
        return period(rows.reshape(len(rows) // self.lanes, -1))

    def _words(self, kind: IntType) -> tuple[int, npt.NDArray[np.uint8]]:
        """Bits of a stored threshold, and the memory's words, no more than needed before they repeat themselves."""
        stored = self._stored_thresholds(kind)
        bits = IntType.containing(min(int(stored.min()), -1), int(stored.max())).bits
        rows = np.concatenate([field_bits(stored, bits).reshape(len(stored), -1), self.negate.astype(np.uint8)[:, None]], axis=1)
        words = rows.reshape(len(rows) // self.lanes, -1)
        return bits, words[: period(words)]

    def _stored_thresholds(self, kind: IntType) -> IntArray:
        """What the cell compares with: ``t``, or ``1 - t`` in negated channels, as ``-x >= t`` is ``not x >= 1 - t``."""
        stored = np.where(self.negate[:, None], 1 - self.thresholds, self.thresholds)
        if self.levels == 0:  # a constant; one threshold that nothing passes keeps the cell's shape
            stored = np.where(self.negate[:, None], kind.minimum, kind.maximum + 1) + np.zeros((len(self.thresholds), 1), dtype=np.int64)
        return np.clip(stored, kind.minimum, kind.maximum + 1)
