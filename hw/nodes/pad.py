"""Pad: a border around each image, of one value per channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell, Memory
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import image, lanes_divide, one_input
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Pad(HardwareNode):
    """(H, W, C) -> (top + H + bottom, left + W + right, C), same type.

    Attributes:
        top, bottom, left, right: rows and columns added.
        value: int64 ``(C,)``, the border's value in each channel; a value of the stream's type (0 is none of BIPOLAR's:
            a zero-padded binary convolution pads with -1 and corrects the accumulator, see XnorMatVec).
        lanes: elements a beat.
    """

    op = "Pad"
    top: int
    bottom: int
    left: int
    right: int
    value: IntArray
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        height, width, channels = image(self, kind)
        if min(self.top, self.bottom, self.left, self.right) < 0:
            raise BadInputError(f"node {self.name}: Pad has a negative border")
        if self.value.shape != (channels,) or not kind.dtype.allows(self.value):
            raise BadInputError(f"node {self.name}: Pad value {self.value.tolist()} is not one {kind.dtype.name} for each of {channels} channels")
        lanes_divide(self, self.lanes, channels, "lanes")
        return (StreamType((self.top + height + self.bottom, self.left + width + self.right, channels), kind.dtype),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (x,) = ins
        n, height, width, channels = x.shape
        out = np.empty((n, self.top + height + self.bottom, self.left + width + self.right, channels), dtype=np.int64)
        out[:] = self.value
        out[:, self.top : self.top + height, self.left : self.left + width] = x
        return (out,)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        height, width, channels = image(self, ins[0])
        pixel = np.zeros((self.top + height + self.bottom, self.left + width + self.right, channels // self.lanes), dtype=np.int64)
        pixel[self.top : self.top + height, self.left : self.left + width] = 1
        position = np.flatnonzero(pixel)  # output beat that each input beat becomes
        return Timing(need=np.cumsum(pixel), room=position - 1, gap=np.ones(pixel.size, dtype=np.int64), latency=1)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        height, width, channels = image(self, ins[0])
        positions = (self.top + height + self.bottom, self.left + width + self.right, channels // self.lanes)
        return cells.pad(self.lanes * ins[0].dtype.bits, positions)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        height, width, channels = image(self, ins[0])
        dtype = ins[0].dtype
        codes = dtype.encode(self.value).astype(np.int64).reshape(-1, self.lanes)
        borders = {"Top": self.top, "Bottom": self.bottom, "Left": self.left, "Right": self.right}
        size = {"BeatBits": self.lanes * dtype.bits, "Beats": channels // self.lanes, "Height": height, "Width": width}
        return Cell("xf_pad", {**size, **borders}, {"InitFile": Memory.of(codes, dtype.bits)})
