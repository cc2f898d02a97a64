"""What SumPool and GlobalSum share: a cell that adds up pixels."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import kind_code, lanes_divide, one_input
from xnorflow.hw.timing import Timing
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Summing(HardwareNode):
    """The sum of a number of pixels that follow each other, per channel, in the narrowest type that holds it.

    Attributes:
        lanes: elements a beat; divides the channels of a pixel.
    """

    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    @abstractmethod
    def pixels(self, kind: StreamType) -> tuple[int, tuple[int, ...]]:
        """How many pixels are added up, and the shape of the output."""

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        taps, shape = self.pixels(kind)
        lanes_divide(self, self.lanes, shape[-1], "lanes")
        return (StreamType(shape, IntType.containing(taps * kind.dtype.minimum, taps * kind.dtype.maximum)),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (x,) = ins
        taps, shape = self.pixels(StreamType(x.shape[1:], IntType(1, signed=False)))
        return (x.reshape(len(x), *shape[:-1], taps, shape[-1]).sum(axis=-2),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        taps, shape = self.pixels(ins[0])
        beats = shape[-1] // self.lanes
        taken = np.arange(ins[0].beats(self.lanes), dtype=np.int64)
        window, within = taken // (beats * taps), taken % (beats * taps)
        last = within >= beats * (taps - 1)
        # A beat of the last pixel waits for a place in the two-beat output FIFO; the others wait for nothing.
        beat = window * beats + np.where(last, within - beats * (taps - 1), 0)
        need = taken[last] + 1
        return Timing(need=need, room=beat - np.where(last, 1, 2), gap=np.ones_like(need), latency=1)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        taps, shape = self.pixels(ins[0])
        return cells.sum_pool(self.lanes, self.infer(ins)[0].dtype.bits, shape[-1] // self.lanes, taps)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        (kind,), (taps, shape) = ins, self.pixels(ins[0])
        size = {"Lanes": self.lanes, "InBits": kind.dtype.bits, "InKind": kind_code(kind.dtype), "Beats": shape[-1] // self.lanes, "Taps": taps}
        return Cell("xf_sum_pool", {**size, "OutBits": self.infer(ins)[0].dtype.bits})
