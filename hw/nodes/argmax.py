"""ArgMax: index of the greatest element; the lowest index of equal ones."""

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
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class ArgMax(HardwareNode):
    """(C,) -> (1,), unsigned.

    Attributes:
        lanes: elements a beat at the input; the output has one.
    """

    op = "ArgMax"
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return 1

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        if len(kind.shape) != 1:
            raise BadInputError(f"node {self.name}: ArgMax takes a stream (C,), not {kind.shape}")
        lanes_divide(self, self.lanes, kind.channels, "lanes")
        return (StreamType((1,), IntType.containing(0, kind.channels - 1)),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return (np.argmax(ins[0], axis=-1, keepdims=True).astype(np.int64),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        beats = ins[0].beats(self.lanes)
        room = np.full(beats, -2, dtype=np.int64)
        room[-1] = -2 if beats == 1 else -1  # the last beat waits for a place in the output queue
        return Timing(need=np.array([beats]), room=room, gap=np.ones(1, dtype=np.int64), latency=2)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        (kind,) = ins
        return cells.argmax(self.lanes, kind.dtype.bits, kind.channels)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        (kind,) = ins
        size = {"Channels": kind.channels, "Lanes": self.lanes, "Bits": kind.dtype.bits, "InKind": kind_code(kind.dtype)}
        return Cell("xf_argmax", {**size, "OutBits": self.infer(ins)[0].dtype.bits})
