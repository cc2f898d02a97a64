"""Add: the sum of two streams, saturated to a given type; the end of a residual block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import arithmetic, kind_code, lanes_divide, operand_parameters, two_inputs
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray, IntType


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(HardwareNode):
    """``out = min(max(a + b, least), greatest)`` with the bounds of ``out_type``, element by element.

    Attributes:
        out_type: type of the output, not BIPOLAR; the sum saturates where it does not fit.
        lanes: elements a beat, at both inputs and the output.
    """

    op = "Add"
    out_type: IntType
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        first, _ = two_inputs(self, ins)
        result = arithmetic(self, self.out_type)
        lanes_divide(self, self.lanes, first.channels, "lanes")
        return (StreamType(first.shape, result),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return (np.clip(ins[0] + ins[1], self.out_type.minimum, self.out_type.maximum),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        return Timing.elementwise(ins[0].beats(self.lanes), latency=1)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        low, high = sum(kind.dtype.minimum for kind in ins), sum(kind.dtype.maximum for kind in ins)
        saturates = not (self.out_type.minimum <= low and high <= self.out_type.maximum)
        return cells.add(self.lanes, ins[0].dtype.bits, ins[1].dtype.bits, self.out_type.bits, saturates=saturates)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        first, second = (kind.dtype for kind in ins)
        operands = operand_parameters(first, second)
        return Cell("xf_add", {"Lanes": self.lanes, **operands, "OutBits": self.out_type.bits, "OutKind": kind_code(self.out_type)})
