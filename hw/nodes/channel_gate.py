"""ChannelGate: an image times one number a channel, shifted and saturated; what squeeze-and-excitation does to a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import image, lanes_divide
from xnorflow.hw.nodes._product import PRODUCT, WAITING, product, product_bits, product_parameters, product_type
from xnorflow.hw.timing import Pipeline, Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray, IntType


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelGate(HardwareNode):
    """``out = min(max((x * gate[c]) >> shift, least), greatest)`` with the bounds of ``out_type``: Multiply with the gate at every pixel.

    The first input is the image (H, W, C), the second the gate (1, 1, C) or (C,) of the same frame. The shift is arithmetic, so
    it rounds towards minus infinity.

    Attributes:
        shift: 0 to 61.
        out_type: type of the output, not BIPOLAR; the product saturates where it does not fit. No product has more than 62 bits.
        lanes: elements a beat, at both inputs and the output.
    """

    op = "ChannelGate"
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
        if len(ins) != 2 or len(self.outputs) != 1:
            raise BadInputError(f"node {self.name}: ChannelGate has {len(ins)} inputs and {len(self.outputs)} outputs; 2 and 1 are accepted")
        x, gate = ins
        channels = image(self, x)[2]
        if gate.shape not in ((1, 1, channels), (channels,)):
            raise BadInputError(
                f"node {self.name}: ChannelGate of streams {x.shape} and {gate.shape}; a gate (1, 1, {channels}) or ({channels},) is accepted"
            )
        result = product_type(self, x.dtype, gate.dtype, self.shift, self.out_type)
        lanes_divide(self, self.lanes, channels, "lanes")
        return (StreamType(x.shape, result),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        x, gate = ins
        return (product(x, gate.reshape(len(gate), 1, 1, -1), self.shift, self.out_type),)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        return Timing.elementwise(ins[0].beats(self.lanes), latency=PRODUCT.cycles + 1)

    @property
    def pipeline(self) -> Pipeline:
        return PRODUCT

    def timings(self, ins: tuple[StreamType, ...]) -> tuple[Timing, ...]:
        image = Timing.holding(ins[0].beats(self.lanes), WAITING)
        made, taken = np.arange(ins[0].beats(self.lanes), dtype=np.int64), ins[1].beats(self.lanes)
        # As many gates fit as keep one beat a cycle going, were each free again only when the last beat made with it has left.
        vectors = self._vectors(ins)
        room = np.full(taken, (1 - vectors) * len(made), dtype=np.int64)
        return image, Timing(need=made % taken + 1, room=room, gap=image.gap, latency=1)

    def _vectors(self, ins: tuple[StreamType, ...]) -> int:
        return 1 + -(-3 // ins[0].beats(self.lanes))

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        x, gate = (kind.dtype for kind in ins)
        folds = ins[1].beats(self.lanes), ins[0].size // ins[0].channels
        widths = (x.bits, gate.bits, product_bits(x, gate))
        return cells.channel_gate(self.lanes, widths, self.shift, self.out_type.bits, folds, self._vectors(ins))

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        x, gate = ins
        size = {"Lanes": self.lanes, "Beats": gate.beats(self.lanes), "Pixels": x.size // x.channels}
        return Cell("xf_channel_gate", {**size, **product_parameters(x.dtype, gate.dtype, self.shift, self.out_type)})
