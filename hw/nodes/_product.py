"""Products that are shifted and held at the ends of a type: what Multiply and ChannelGate share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.nodes._checks import arithmetic, kind_code, operand_parameters
from xnorflow.hw.timing import Pipeline

if TYPE_CHECKING:
    from xnorflow.hw.graph import Node
    from xnorflow.hw.types import IntArray, IntType

MAX_PRODUCT_BITS = 62
PRODUCT = Pipeline(cycles=2, places=3)  # xf_product
WAITING = 4  # beats that wait at an input for the other one, in xf_multiply and xf_channel_gate


def product_type(node: Node, first: IntType, second: IntType, shift: int, result: IntType) -> IntType:
    """The type of a shifted product, which cannot be BIPOLAR.

    Raises:
        BadInputError: that, a shift outside 0 to 61, or products of more than 62 bits.
    """
    bits = product_bits(first, second)
    if not 0 <= shift < MAX_PRODUCT_BITS or bits > MAX_PRODUCT_BITS:
        raise BadInputError(
            f"node {node.name}: shift {shift} of products of {bits} bits; shifts of 0 to {MAX_PRODUCT_BITS - 1} "
            f"and at most {MAX_PRODUCT_BITS} bits are accepted"
        )
    return arithmetic(node, result)


def product(first: IntArray, second: IntArray, shift: int, result: IntType) -> IntArray:
    """``min(max((first * second) >> shift, least), greatest)`` with the bounds of a type; arrays of any shapes that broadcast."""
    held: IntArray = np.clip((first * second) >> shift, result.minimum, result.maximum)
    return held


def product_parameters(first: IntType, second: IntType, shift: int, result: IntType) -> dict[str, int]:
    """Parameters of a cell that multiplies two streams."""
    limits = {"ProductBits": product_bits(first, second), "Shift": shift, "OutBits": result.bits, "OutKind": kind_code(result)}
    return {**operand_parameters(first, second), **limits}


def product_bits(first: IntType, second: IntType) -> int:
    """Bits of two's complement that hold every product, and either factor."""
    products = [a * b for a in (first.minimum, first.maximum) for b in (second.minimum, second.maximum)]
    return max(first.bits + 1, second.bits + 1, *(int(p if p >= 0 else -p - 1).bit_length() + 1 for p in products))
