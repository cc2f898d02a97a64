"""The border table that makes padding with a value the stream cannot hold exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.nodes.mat_vec import Border

if TYPE_CHECKING:
    from xnorflow.hw.graph import StreamType
    from xnorflow.hw.lowering.float_nodes import Linear
    from xnorflow.hw.types import IntArray


def border_table(linear: Linear, kind: StreamType, missing: IntArray) -> Border:
    """What the accumulator lacks where a window overlaps the border.

    Args:
        linear: the convolution, with its padding.
        kind: type of the unpadded stream.
        missing: per channel, the code that padding stands for less the value that the stream is padded with.

    Returns:
        Classes of rows and columns whose windows overlap the border alike, and ``sum w * missing`` over padded taps.
    """
    rows = _overlap(kind.shape[0], linear.pads[0], linear.pads[2], linear.codes.shape[1], linear.stride[0], linear.dilation[0])
    cols = _overlap(kind.shape[1], linear.pads[1], linear.pads[3], linear.codes.shape[2], linear.stride[1], linear.dilation[1])
    row_patterns, row_class = np.unique(rows, axis=0, return_inverse=True)
    col_patterns, col_class = np.unique(cols, axis=0, return_inverse=True)
    per_tap = linear.codes @ missing
    table = np.empty((len(row_patterns), len(col_patterns), len(linear.codes)), dtype=np.int64)
    for r, row in enumerate(row_patterns):
        for c, col in enumerate(col_patterns):
            table[r, c] = (per_tap * (row[:, None] | col[None, :])).sum(axis=(1, 2))
    return Border(row_class=row_class.ravel().astype(np.int64), col_class=col_class.ravel().astype(np.int64), table=table)


def _overlap(size: int, before: int, after: int, kernel: int, stride: int, dilation: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """For each output position, which taps of the kernel lie outside: bool ``(positions, kernel)``."""
    count = (before + size + after - (kernel - 1) * dilation - 1) // stride + 1
    position = np.arange(count)[:, None] * stride + np.arange(kernel)[None, :] * dilation - before
    return (position < 0) | (position >= size)
