"""MaxPool: the greatest of the taps of a window, per channel; an OR for BIPOLAR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import kind_code, lanes_divide, one_input
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(HardwareNode):
    """(OH, OW, taps*C) -> (OH, OW, C): reads the windows that a SlidingWindow makes, tap outermost.

    Attributes:
        taps: pixels in a window, KH*KW.
        lanes: elements a beat; divides C.
    """

    op = "MaxPool"
    taps: int
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if self.taps < 1 or kind.channels % self.taps:
            raise BadInputError(f"node {self.name}: windows of {kind.channels} elements are not {self.taps} taps of equal size")
        channels = kind.channels // self.taps
        lanes_divide(self, self.lanes, channels, "lanes")
        return (StreamType((*kind.shape[:-1], channels), kind.dtype),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (x,) = ins
        return (x.reshape(*x.shape[:-1], self.taps, -1).max(axis=-2),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        beats = ins[0].channels // self.taps // self.lanes
        taken = np.arange(ins[0].beats(self.lanes), dtype=np.int64)
        window, within = taken // (beats * self.taps), taken % (beats * self.taps)
        last = within >= beats * (self.taps - 1)
        # A beat of the last tap waits for a place in the two-beat output FIFO; the others wait for nothing.
        beat = window * beats + np.where(last, within - beats * (self.taps - 1), 0)
        need = taken[last] + 1
        return Timing(need=need, room=beat - np.where(last, 1, 2), gap=np.ones_like(need), latency=1)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        (kind,) = ins
        return cells.max_pool(self.lanes, kind.dtype.bits, kind.channels // self.taps // self.lanes, self.taps)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        (kind,) = ins
        beats = kind.channels // self.taps // self.lanes
        size = {"Lanes": self.lanes, "Bits": kind.dtype.bits, "InKind": kind_code(kind.dtype), "Beats": beats, "Taps": self.taps}
        return Cell("xf_max_pool", size)
