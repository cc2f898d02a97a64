"""Concat: the channels of two streams one after the other, pixel by pixel; how reduction blocks double their channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import lanes_divide, two_inputs
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Concat(HardwareNode):
    """Two streams (..., C) of one shape and type -> (..., 2*C): the first one's channels, then the second one's.

    Attributes:
        lanes: elements a beat, at both inputs and the output; divides C. Of each pixel come the beats of the first input,
            then those of the second, which wait in the cell.
    """

    op = "Concat"
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        first, second = two_inputs(self, ins)
        if first.dtype != second.dtype:
            raise BadInputError(f"node {self.name}: Concat of streams {first.dtype.name} and {second.dtype.name}; equal types are accepted")
        lanes_divide(self, self.lanes, first.channels, "lanes")
        return (StreamType((*first.shape[:-1], 2 * first.channels), first.dtype),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return (np.concatenate(ins, axis=-1),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        beats = ins[0].channels // self.lanes
        made = np.arange(2 * ins[0].beats(self.lanes), dtype=np.int64)
        need = made // (2 * beats) * beats + np.minimum(made % (2 * beats) + 1, beats)
        # Two beats of each input fit in front of the pair that leaves next, with the first half of its pixel.
        leaving = np.arange(ins[0].beats(self.lanes), dtype=np.int64) - 2
        room = leaving // beats * 2 * beats + leaving % beats + 1
        return Timing(need=need, room=room, gap=np.ones_like(need), latency=1)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        return cells.concat(self.lanes * ins[0].dtype.bits, ins[0].channels // self.lanes)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        return Cell("xf_concat", {"Width": self.lanes * ins[0].dtype.bits, "Beats": ins[0].channels // self.lanes})
