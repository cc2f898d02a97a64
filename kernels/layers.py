"""Layers on the CPU: matrix-vector products and convolutions whose windows are read in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xnorflow import _kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels.checks import contiguous, exact
from xnorflow.kernels.isa import resolve
from xnorflow.kernels.packed import Packed, words_for
from xnorflow.kernels.window import Window

if TYPE_CHECKING:
    from xnorflow.kernels.thresholds import BitThresholds

Integers = npt.NDArray[np.integer[Any]]
Accumulators = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Borders:
    """Constants added to the accumulators of output positions, by class (zero padding, see layout.hpp).

    Attributes:
        row_class, col_class: integers ``(OH,)`` and ``(OW,)``, classes from 0.
        table: integers ``(row classes, column classes, MH)``.
    """

    row_class: Integers
    col_class: Integers
    table: Integers

    def arrays(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """All three as int32; raises BadInputError where a value does not fit or an axis is missing."""
        if (self.row_class.ndim, self.col_class.ndim, self.table.ndim) != (1, 1, 3):
            raise BadInputError(
                f"border classes and table have {self.row_class.ndim}, {self.col_class.ndim} and {self.table.ndim} axes; 1, 1 and 3 are accepted"
            )
        return (
            exact(self.row_class, np.int32, "row class"),
            exact(self.col_class, np.int32, "column class"),
            exact(self.table, np.int32, "border table"),
        )


def _border_arrays(borders: Borders | None) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    if borders is None:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty((0, 0, 0), np.int32)
    return borders.arrays()


class XnorLayer:
    """``acc[m] = sum_k w[m, k] * x[k]`` over -1 and +1, by XNOR and popcount.

    Args:
        weights: integers -1 and +1, ``(MH, KH*KW*C)``, columns in (kh, kw, c) order.
        channels: C, the channels of the images.
        window: the kernel.
        borders: constants for zero padding, or None.
        isa: kernel table (:func:`xnorflow.kernels.resolve`).

    Raises:
        BadInputError: shapes, values or the instruction set do not fit.
    """

    def __init__(
        self, weights: Integers, channels: int, window: Window | None = None, *, borders: Borders | None = None, isa: str | None = None
    ) -> None:
        self.window = window or Window()
        self.channels, self.mh = channels, _rows(weights)
        where = (self.window.kernel, self.window.stride, self.window.dilation)
        self._native = _kernels.XnorLayer(resolve(isa), exact(weights, np.int8, "bipolar weights"), channels, *where, *_border_arrays(borders))

    def accumulate(self, x: Packed) -> Accumulators:
        """Accumulators int32 ``(N, OH, OW, MH)`` of packed images ``(N, H, W, C)``."""
        out = np.empty((*self.window.count(x.shape), self.mh), dtype=np.int32)
        self._native.accumulate(_words(x, self.channels), out)
        return out

    def bits(self, x: Packed, thresholds: BitThresholds) -> Packed:
        """The accumulators behind their thresholds, packed ``(N, OH, OW, MH)``."""
        out = np.empty((*self.window.count(x.shape), words_for(self.mh)), dtype=np.uint64)
        self._native.bits(_words(x, self.channels), thresholds.native, out)
        return Packed(out, self.mh)


class IntLayer:
    """``acc[m] = sum_k w[m, k] * x[k]`` over integers, exact while the true sums fit in int32.

    Args:
        weights: integers that int32 holds, ``(MH, KH*KW*C)``, columns in (kh, kw, c) order.
        channels: C, the channels of the images.
        window: the kernel.
        borders: constants for zero padding, or None.
        isa: kernel table (:func:`xnorflow.kernels.resolve`).

    Raises:
        BadInputError: shapes, values or the instruction set do not fit.
    """

    def __init__(
        self, weights: Integers, channels: int, window: Window | None = None, *, borders: Borders | None = None, isa: str | None = None
    ) -> None:
        self.window = window or Window()
        self.channels, self.mh = channels, _rows(weights)
        where = (self.window.kernel, self.window.stride, self.window.dilation)
        self._native = _kernels.IntLayer(resolve(isa), exact(weights, np.int32, "integer weights"), channels, *where, *_border_arrays(borders))

    def accumulate(self, x: Packed | npt.NDArray[Any]) -> Accumulators:
        """Accumulators int32 ``(N, OH, OW, MH)`` of integer or packed images ``(N, H, W, C)``."""
        out = np.empty((*self.window.count(x.shape), self.mh), dtype=np.int32)
        self._native.accumulate(_memory(x, self.channels), out)
        return out

    def bits(self, x: Packed | npt.NDArray[Any], thresholds: BitThresholds) -> Packed:
        """The accumulators behind their thresholds, packed ``(N, OH, OW, MH)``."""
        out = np.empty((*self.window.count(x.shape), words_for(self.mh)), dtype=np.uint64)
        self._native.bits(_memory(x, self.channels), thresholds.native, out)
        return Packed(out, self.mh)


def _rows(weights: Integers) -> int:
    if weights.ndim != 2:
        raise BadInputError(f"weights have shape {weights.shape}; (MH, KH*KW*C) is accepted")
    return len(weights)


def _words(x: Packed, channels: int) -> npt.NDArray[np.uint64]:
    if x.channels != channels:
        raise BadInputError(f"images have {x.channels} channels; the layer takes {channels}")
    return x.words


def _memory(x: Packed | npt.NDArray[Any], channels: int) -> npt.NDArray[Any]:
    return _words(x, channels) if isinstance(x, Packed) else contiguous(x, "images")
