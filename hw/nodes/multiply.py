"""Multiply: the product of two streams, shifted and saturated to a given type; a gate of one element each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import lanes_divide, two_inputs
from xnorflow.hw.nodes._product import PRODUCT, WAITING, product, product_bits, product_parameters, product_type
from xnorflow.hw.timing import Pipeline, Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray, IntType


@dataclass(frozen=True, eq=False, kw_only=True)
class Multiply(HardwareNode):
    """``out = min(max((a * b) >> shift, least), greatest)`` with the bounds of ``out_type``, element by element.

    The shift is arithmetic, so it rounds towards minus infinity.

    Attributes:
        shift: 0 to 61.
        out_type: type of the output, not BIPOLAR; the product saturates where it does not fit. No product has more than 62 bits.
        lanes: elements a beat, at both inputs and the output.
    """

    op = "Multiply"
    shift: int
    out_type: IntType
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        first, second = two_inputs(self, ins)
        result = product_type(self, first.dtype, second.dtype, self.shift, self.out_type)
        lanes_divide(self, self.lanes, first.channels, "lanes")
        return (StreamType(first.shape, result),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return (product(ins[0], ins[1], self.shift, self.out_type),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        return Timing.elementwise(ins[0].beats(self.lanes), latency=PRODUCT.cycles + 1)

    def timings(self, ins: tuple[StreamType, ...]) -> tuple[Timing, ...]:
        return (Timing.holding(ins[0].beats(self.lanes), WAITING),) * 2

    @property
    def pipeline(self) -> Pipeline:
        return PRODUCT

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        first, second = (kind.dtype for kind in ins)
        widths = (first.bits, second.bits, product_bits(first, second))
        return cells.multiply(self.lanes, widths, self.shift, self.out_type.bits)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        first, second = (kind.dtype for kind in ins)
        return Cell("xf_multiply", {"Lanes": self.lanes, **product_parameters(first, second, self.shift, self.out_type)})
