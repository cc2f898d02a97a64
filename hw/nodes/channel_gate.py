"""ChannelGate: an image times one number a channel, shifted and saturated; what squeeze-and-excitation does to a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.graph import Node, StreamType
from xnorflow.hw.nodes._checks import image
from xnorflow.hw.nodes._product import product, product_type

if TYPE_CHECKING:
    from xnorflow.hw.types import IntArray, IntType


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelGate(Node):
    """``out = min(max((x * gate[c]) >> shift, least), greatest)`` with the bounds of ``out_type``: Multiply with the gate at every pixel.

    The first input is the image (H, W, C), the second the gate (1, 1, C) or (C,) of the same frame. The shift is arithmetic, so
    it rounds towards minus infinity.

    Attributes:
        shift: 0 to 61.
        out_type: type of the output, not BIPOLAR; the product saturates where it does not fit. No product has more than 62 bits.
    """

    op = "ChannelGate"
    shift: int
    out_type: IntType

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        if len(ins) != 2 or len(self.outputs) != 1:
            raise BadInputError(f"node {self.name}: ChannelGate has {len(ins)} inputs and {len(self.outputs)} outputs; 2 and 1 are accepted")
        x, gate = ins
        channels = image(self, x)[2]
        if gate.shape not in ((1, 1, channels), (channels,)):
            raise BadInputError(
                f"node {self.name}: ChannelGate of streams {x.shape} and {gate.shape}; a gate (1, 1, {channels}) or ({channels},) is accepted"
            )
        return (StreamType(x.shape, product_type(self, x.dtype, gate.dtype, self.shift, self.out_type)),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        x, gate = ins
        return (product(x, gate.reshape(len(gate), 1, 1, -1), self.shift, self.out_type),)
