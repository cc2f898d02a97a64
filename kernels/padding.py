"""Padding of binary convolutions with -1, 0 or +1, exact at every border."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from xnorflow.kernels.layers import Borders

if TYPE_CHECKING:
    from xnorflow.kernels.window import Window

Patterns: TypeAlias = tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]


def overlap(size: int, before: int, after: int, kernel: int, stride: int, dilation: int) -> Patterns:
    """Which taps of a kernel lie outside an image, along one axis.

    Args:
        size: pixels along the axis, without padding.
        before: padding in front of them.
        after: padding behind them.
        kernel: taps.
        stride: pixels between windows.
        dilation: pixels between taps.

    Returns:
        The patterns that occur, bool ``(classes, kernel)``, and the class of each window.
    """
    count = (before + size + after - (kernel - 1) * dilation - 1) // stride + 1
    position = np.arange(count)[:, None] * stride + np.arange(kernel)[None, :] * dilation - before
    patterns, classes = np.unique((position < 0) | (position >= size), axis=0, return_inverse=True)
    return patterns, classes.ravel().astype(np.int64)


def padded_sums(per_tap: npt.NDArray[np.integer[Any]], rows: npt.NDArray[np.bool_], cols: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Sums over the taps outside, for every pattern of rows and of columns.

    Args:
        per_tap: integers ``(M, KH, KW)``.
        rows: patterns ``(row classes, KH)``.
        cols: patterns ``(column classes, KW)``.

    Returns:
        ``(row classes, column classes, M)``.
    """
    outside = rows[:, None, :, None] | cols[None, :, None, :]
    sums: npt.NDArray[np.int64] = np.einsum("rcij,mij->rcm", outside.astype(np.int64), per_tap.astype(np.int64))
    return sums


def zero_borders(per_tap: npt.NDArray[np.integer[Any]], size: tuple[int, int], margin: tuple[int, int, int, int], window: Window) -> Borders:
    """The constants that make an image padded with -1 stand for one padded with 0.

    Args:
        per_tap: sums of the weights over channels, ``(M, KH, KW)``.
        size: height and width of the image.
        margin: padding at the top, bottom, left and right.
        window: the kernel.
    """
    rows, row_class = overlap(size[0], margin[0], margin[1], window.kernel[0], window.stride[0], window.dilation[0])
    cols, col_class = overlap(size[1], margin[2], margin[3], window.kernel[1], window.stride[1], window.dilation[1])
    return Borders(row_class, col_class, padded_sums(per_tap, rows, cols))
