"""SlidingWindow: the pixels under each position of a kernel, in (kh, kw, c) order (im2col)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.cell import Cell
from xnorflow.hw.estimate import cells
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import image, lanes_divide, one_input
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from xnorflow.hw.cell import Resources
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class SlidingWindow(HardwareNode):
    """(H, W, C) -> (OH, OW, KH*KW*C) with ``OH = (H - (KH-1)*DH - 1)//SH + 1``, OW likewise; no padding of its own.

    Attributes:
        kernel, stride, dilation: (vertical, horizontal).
        lanes: elements a beat; divides C.
    """

    op = "SlidingWindow"
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    lanes: int = 0

    @property
    def in_lanes(self) -> int:
        return self.lanes

    @property
    def out_lanes(self) -> int:
        return self.lanes

    def out_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the output."""
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        return (height - (kh - 1) * dh - 1) // sh + 1, (width - (kw - 1) * dw - 1) // sw + 1

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        kind = one_input(self, ins)
        height, width, channels = image(self, kind)
        if min(*self.kernel, *self.stride, *self.dilation) < 1:
            raise BadInputError(f"node {self.name}: kernel {self.kernel}, stride {self.stride} and dilation {self.dilation} must be positive")
        rows, cols = self.out_size(height, width)
        if rows < 1 or cols < 1:
            raise BadInputError(f"node {self.name}: kernel {self.kernel} with dilation {self.dilation} does not fit an image of {height}x{width}")
        lanes_divide(self, self.lanes, channels, "lanes")
        return (StreamType((rows, cols, self.kernel[0] * self.kernel[1] * channels), kind.dtype),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        (x,) = ins
        rows, cols = self.out_size(x.shape[1], x.shape[2])
        (kh, kw), (sh, sw), (dh, dw) = self.kernel, self.stride, self.dilation
        taps = [x[:, i * dh : i * dh + (rows - 1) * sh + 1 : sh, j * dw : j * dw + (cols - 1) * sw + 1 : sw] for i in range(kh) for j in range(kw)]
        return (np.concatenate(taps, axis=-1),)

    def ring_rows(self, height: int, width: int) -> int:
        """Rows of the cell's ring buffer: what the last window keeps, and the next frame's first window."""
        span = (self.kernel[0] - 1) * self.dilation[0] + 1
        rows, _ = self.out_size(height, width)
        kept = height - (rows - 1) * self.stride[0]
        return span + (max(kept, self.stride[0]) if rows > 1 else kept)

    def timing(self, ins: tuple[StreamType, ...]) -> Timing:
        height, width, channels = image(self, ins[0])
        beats = channels // self.lanes
        index = np.arange(height * width * beats, dtype=np.int64).reshape(1, height, width, beats)
        need = np.maximum.accumulate(self.execute((index,))[0].ravel() + 1)
        rows, _ = self.out_size(height, width)
        ring = self.ring_rows(height, width)
        # Row r needs the window's first row at r - ring + 1 or beyond; after m rows of windows that is at m * stride.
        target = np.arange(height, dtype=np.int64) - ring + 1
        frame = -(-target // height) - 1
        within = target - frame * height  # 1 .. height
        done = np.where(within > (rows - 1) * self.stride[0], rows, -(-within // self.stride[0]))
        room = (frame * rows + done) * (len(need) // rows) - 2
        return Timing(need=need, room=np.repeat(room, width * beats), gap=np.ones_like(need), latency=3)

    def resources(self, ins: tuple[StreamType, ...]) -> Resources:
        height, width, channels = image(self, ins[0])
        beats = channels // self.lanes
        counts = (*self.out_size(height, width), *self.kernel, beats)
        taps = self.kernel[0] * self.kernel[1]
        return cells.sliding_window(self.lanes * ins[0].dtype.bits, self.ring_rows(height, width), width * beats, taps, counts)

    def cell(self, ins: tuple[StreamType, ...]) -> Cell:
        height, width, channels = image(self, ins[0])
        size = {"BeatBits": self.lanes * ins[0].dtype.bits, "Beats": channels // self.lanes, "Height": height, "Width": width}
        names = ("Kernel", "Stride", "Dilation")
        pairs = zip(names, (self.kernel, self.stride, self.dilation), strict=True)
        steps = {f"{name}{axis}": value for name, pair in pairs for axis, value in zip("HW", pair, strict=True)}
        return Cell("xf_sliding_window", {**size, **steps, "RingRows": self.ring_rows(height, width)})
