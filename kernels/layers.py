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


class Layer:
    """What both kinds of layer share; made by its subclasses.

    Attributes:
        mh: rows of the weight matrix, the channels of the output.
        channels: channels of the images.
        window: the kernel.
    """

    def __init__(self, mh: int, channels: int, window: Window) -> None:
        self.mh, self.channels, self.window = mh, channels, window

    def accumulate(self, x: Packed | npt.NDArray[Any], *, threads: int = 1) -> Accumulators:
        """Accumulators int32 ``(N, OH, OW, MH)`` of images ``(N, H, W, C)``, on up to that many threads.

        Raises:
            BadInputError: the images' shape or element type does not fit.
        """
        out = np.empty((*self.window.count(x.shape), self.mh), dtype=np.int32)
        self._accumulate(self._memory(x), out, threads)
        return out

    def bits(self, x: Packed | npt.NDArray[Any], thresholds: BitThresholds, *, threads: int = 1) -> Packed:
        """The accumulators behind their thresholds, packed ``(N, OH, OW, MH)``, on up to that many threads.

        Raises:
            BadInputError: the images' shape or element type, or the number of thresholds, does not fit.
        """
        out = np.empty((*self.window.count(x.shape), words_for(self.mh)), dtype=np.uint64)
        self._bits(self._memory(x), thresholds, out, threads)
        return Packed(out, self.mh)

    def _accumulate(self, x: npt.NDArray[Any], out: Accumulators, threads: int) -> None:
        raise NotImplementedError

    def _bits(self, x: npt.NDArray[Any], thresholds: BitThresholds, out: npt.NDArray[np.uint64], threads: int) -> None:
        raise NotImplementedError

    def _memory(self, x: Packed | npt.NDArray[Any]) -> npt.NDArray[Any]:
        if x.shape[-1] != self.channels:
            raise BadInputError(f"images have {x.shape[-1]} channels; the layer takes {self.channels}")
        return x.words if isinstance(x, Packed) else contiguous(x, "images")


class XnorLayer(Layer):
    """``acc[m] = sum_k w[m, k] * x[k]`` over -1 and +1, by XNOR and popcount, on packed images.

    Args:
        weights: integers -1 and +1, ``(MH, KH*KW*C)``, columns in (kh, kw, c) order; ``(C, KH*KW)`` where depthwise.
        channels: C, the channels of the images.
        window: the kernel.
        borders: constants for zero padding, or None.
        isa: kernel table (:func:`xnorflow.kernels.resolve`).
        depthwise: whether each channel of the output sees the channel of its own number alone; up to 65,535 taps.

    Raises:
        BadInputError: shapes, values or the instruction set do not fit.
    """

    def __init__(
        self,
        weights: Integers,
        channels: int,
        window: Window | None = None,
        *,
        borders: Borders | None = None,
        isa: str | None = None,
        depthwise: bool = False,
    ) -> None:
        place, matrix = window or Window(), exact(_matrix(weights), np.int8, "bipolar weights")
        where = (place.kernel, place.stride, place.dilation)
        super().__init__(len(matrix), channels, place)
        self.native = _kernels.XnorLayer(resolve(isa), matrix, channels, *where, *_border_arrays(borders), depthwise)
        self._sums = self.native.accumulators()
        self._prepared: tuple[BitThresholds, _kernels.XnorSink] | None = None

    def floats(self, x: Packed, scales: _kernels.XnorSink, *, threads: int = 1) -> npt.NDArray[np.float32]:
        """float32 ``(N, OH, OW, MH)`` of packed images, scaled as :meth:`scales` prepared it.

        Raises:
            BadInputError: the images' shape does not fit, or the scales belong to another layer.
        """
        out = np.empty((*self.window.count(x.shape), self.mh), dtype=np.float32)
        self.native.run(self._memory(x), scales, out, threads)
        return out

    def scales(self, scale: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> _kernels.XnorSink:
        """Prepare ``float32(acc) * scale[m] + bias[m]``, each of the three operations rounded by itself.

        Raises:
            BadInputError: scale or bias is not float32 ``(MH,)``.
        """
        if scale.shape != (self.mh,) or bias.shape != (self.mh,):
            raise BadInputError(f"scale {scale.shape} and bias {bias.shape} must both be ({self.mh},)")
        return self.native.floats(contiguous(scale, "scale", (np.float32,)), contiguous(bias, "bias", (np.float32,)))

    def _accumulate(self, x: npt.NDArray[Any], out: Accumulators, threads: int) -> None:
        self.native.run(x, self._sums, out, threads)

    def _bits(self, x: npt.NDArray[Any], thresholds: BitThresholds, out: npt.NDArray[np.uint64], threads: int) -> None:
        self.native.run(x, self.prepared(thresholds), out, threads)

    def prepared(self, thresholds: BitThresholds) -> _kernels.XnorSink:
        """What the kernels compare disagreements with; kept for the thresholds of the last call.

        Raises:
            BadInputError: the number of thresholds does not fit.
        """
        if self._prepared is None or self._prepared[0] is not thresholds:
            self._prepared = (thresholds, self.native.bits(thresholds.native))
        return self._prepared[1]

    def _memory(self, x: Packed | npt.NDArray[Any]) -> npt.NDArray[Any]:
        if not isinstance(x, Packed):
            raise BadInputError(f"images are {x.dtype}; a binary layer takes packed ones")
        return super()._memory(x)


class IntLayer(Layer):
    """``acc[m] = sum_k w[m, k] * x[k]`` over integers, exact while the true sums fit in int32; images may be packed.

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
        place, matrix = window or Window(), exact(_matrix(weights), np.int32, "integer weights")
        where = (place.kernel, place.stride, place.dilation)
        super().__init__(len(matrix), channels, place)
        self.native = _kernels.IntLayer(resolve(isa), matrix, channels, *where, *_border_arrays(borders))

    def _accumulate(self, x: npt.NDArray[Any], out: Accumulators, threads: int) -> None:
        self.native.accumulate(x, out, threads)

    def _bits(self, x: npt.NDArray[Any], thresholds: BitThresholds, out: npt.NDArray[np.uint64], threads: int) -> None:
        self.native.bits(x, thresholds.native, out, threads)


def _matrix(weights: Integers) -> Integers:
    if weights.ndim != 2:
        raise BadInputError(f"weights have shape {weights.shape}; (MH, KH*KW*C) is accepted")
    return weights
