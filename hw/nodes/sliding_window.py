"""SlidingWindow: the pixels under each position of a kernel, in (kh, kw, c) order (im2col)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes._checks import image, lanes_divide, one_input

if TYPE_CHECKING:
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
