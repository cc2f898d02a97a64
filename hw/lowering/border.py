"""The border table that makes padding with a value the stream cannot hold exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.hw.nodes.mat_vec import Border
from xnorflow.kernels.padding import overlap, padded_sums

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
    rows, row_class = overlap(kind.shape[0], linear.pads[0], linear.pads[2], linear.codes.shape[1], linear.stride[0], linear.dilation[0])
    cols, col_class = overlap(kind.shape[1], linear.pads[1], linear.pads[3], linear.codes.shape[2], linear.stride[1], linear.dilation[1])
    return Border(row_class=row_class, col_class=col_class, table=padded_sums(linear.codes @ missing, rows, cols))
