"""Fifo: the identity, with room for ``depth`` beats; levels out bursts between cells, or holds a frame while its gate is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import primitives
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import lanes_divide, one_input
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


MIN_DEPTH = 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Fifo(HardwareNode):
    """``out = in``.

    Attributes:
        depth: beats it holds, at least 2. A deep FIFO lies in block RAM, where that is cheaper.
        lanes: elements a beat.
    """

    op = "Fifo"
    depth: int
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if self.depth < MIN_DEPTH:
            raise BadInputError(f"node {self.name}: Fifo depth {self.depth} is below {MIN_DEPTH}")
        lanes_divide(self, self.lanes, kind.size, "lanes")
        return (kind,)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return ins

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        index = np.arange(ins[0].beats(self.lanes), dtype=np.int64)
        return Timing(need=index + 1, room=index - self.depth + 1, gap=np.ones_like(index), latency=1)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        return primitives.fifo(self.lanes * ins[0].dtype.bits, self.depth)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        width = self.lanes * ins[0].dtype.bits
        block = self.depth > MIN_DEPTH and primitives.in_block_ram(width, self.depth - 1)
        return Cell("xf_fifo", {"Width": width, "Depth": self.depth, "Block": int(block)})
