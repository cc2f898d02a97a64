"""Fifo: the identity, with room for ``depth`` beats; levels out bursts between cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import lanes_divide, one_input

if TYPE_CHECKING:
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Fifo(HardwareNode):
    """``out = in``.

    Attributes:
        depth: beats it holds, at least 2.
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
        if self.depth < 2:
            raise BadInputError(f"node {self.name}: Fifo depth {self.depth} is below 2")
        lanes_divide(self, self.lanes, kind.channels, "lanes")
        return (kind,)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return ins
