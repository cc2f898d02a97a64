"""Fork: the same stream to several readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import lanes_divide
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Fork(HardwareNode):
    """Every output is the input; each takes its beats when it can, at most two apart from the slowest.

    Attributes:
        lanes: elements a beat.
    """

    op = "Fork"
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        if len(ins) != 1 or len(self.outputs) < 2:
            raise BadInputError(f"node {self.name}: Fork has {len(ins)} inputs and {len(self.outputs)} outputs; 1 and at least 2 are accepted")
        lanes_divide(self, self.lanes, ins[0].size, "lanes")
        return ins * len(self.outputs)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return ins * len(self.outputs)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        return Timing.elementwise(ins[0].beats(self.lanes), latency=1)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        return cells.fork(self.lanes * ins[0].dtype.bits, len(self.outputs))

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        return Cell("xf_fork", {"Width": self.lanes * ins[0].dtype.bits, "Outputs": len(self.outputs)})
