"""Multiply: the product of two streams, shifted and saturated to a given type; a gate of one element each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import arithmetic, kind_code, lanes_divide, operand_parameters, two_inputs
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray, IntType

MAX_PRODUCT_BITS = 62


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
        result = arithmetic(self, self.out_type)
        bits = _product_bits(first.dtype, second.dtype)
        if not 0 <= self.shift < MAX_PRODUCT_BITS or bits > MAX_PRODUCT_BITS:
            raise BadInputError(
                f"node {self.name}: shift {self.shift} of products of {bits} bits; shifts of 0 to {MAX_PRODUCT_BITS - 1} "
                f"and at most {MAX_PRODUCT_BITS} bits are accepted"
            )
        lanes_divide(self, self.lanes, first.channels, "lanes")
        return (StreamType(first.shape, result),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return (np.clip((ins[0] * ins[1]) >> self.shift, self.out_type.minimum, self.out_type.maximum),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        return Timing.elementwise(ins[0].beats(self.lanes), latency=3)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        first, second = (kind.dtype for kind in ins)
        product = _product_bits(first, second)
        return cells.multiply(self.lanes, (first.bits, second.bits), product, self.shift, self.out_type.bits)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        first, second = (kind.dtype for kind in ins)
        operands = operand_parameters(first, second)
        result = {"Shift": self.shift, "OutBits": self.out_type.bits, "OutKind": kind_code(self.out_type)}
        return Cell("xf_multiply", {"Lanes": self.lanes, **operands, "ProductBits": _product_bits(first, second), **result})


def _product_bits(first: IntType, second: IntType) -> int:
    """Bits of two's complement that hold every product, and either factor."""
    products = [a * b for a in (first.minimum, first.maximum) for b in (second.minimum, second.maximum)]
    return max(first.bits + 1, second.bits + 1, *(int(p if p >= 0 else -p - 1).bit_length() + 1 for p in products))
