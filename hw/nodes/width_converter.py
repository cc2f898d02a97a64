"""WidthConverter: the identity; regroups the elements of a stream from ``lanes_in`` to ``lanes_out`` a beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.errors import FoldingError
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import one_input

if TYPE_CHECKING:
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
