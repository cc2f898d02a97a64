"""WidthConverter: the identity; regroups the elements of a stream from ``lanes_in`` to ``lanes_out`` a beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import FoldingError
from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import primitives
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import one_input
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class WidthConverter(HardwareNode):
    """``out = in``; one of the two widths divides the other, and both divide the elements of a frame.

    Attributes:
        lanes_in, lanes_out: elements a beat before and after.
    """

    op = "WidthConverter"
    lanes_in: int
    lanes_out: int

    @property
    def in_lanes(self) -> int:
        return self.lanes_in

    @property
    def out_lanes(self) -> int:
        return self.lanes_out

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        a, b = self.lanes_in, self.lanes_out
        if a < 1 or b < 1 or (a % b and b % a) or kind.size % a or kind.size % b:
            raise FoldingError(f"node {self.name}: {a} to {b} lanes over {kind.size} elements; one width must divide the other and both the frame")
        return (kind,)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return ins

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        made = np.arange(ins[0].beats(self.lanes_out), dtype=np.int64)
        taken = np.arange(ins[0].beats(self.lanes_in), dtype=np.int64)
        if self.lanes_in == self.lanes_out:
            return Timing.elementwise(len(made))
        if self.lanes_in < self.lanes_out:
            ratio = self.lanes_out // self.lanes_in
            need, room = (made + 1) * ratio, np.where(taken % ratio == ratio - 1, taken // ratio, taken // ratio - 1)
        else:
            ratio = self.lanes_in // self.lanes_out
            need, room = made // ratio + 1, taken * ratio - 1
        return Timing(need=need, room=room, gap=np.ones_like(made), latency=1)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        return primitives.width_converter(self.lanes_in * ins[0].dtype.bits, self.lanes_out * ins[0].dtype.bits)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        bits = ins[0].dtype.bits
        return Cell("xf_width_converter", {"InBits": self.lanes_in * bits, "OutBits": self.lanes_out * bits})
