"""Binary convolutions and linear layers with padding: numbers or packed bits in, numbers or packed bits out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xnorflow import _kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels.isa import resolve
from xnorflow.kernels.layers import XnorLayer
from xnorflow.kernels.packed import Packed, words_for
from xnorflow.kernels.padding import zero_borders
from xnorflow.kernels.window import Window

if TYPE_CHECKING:
    from xnorflow.kernels.thresholds import BitThresholds

Margin = tuple[int, int, int, int]
Floats = npt.NDArray[np.float32]


def pack_images(
    images: npt.NDArray[Any],
    *,
    level: float | None = None,
    margin: Margin = (0, 0, 0, 0),
    plus: bool = False,
    isa: str | None = None,
    threads: int = 1,
) -> Packed:
    """Pack images: +1 where the value is ``level`` or more, -1 elsewhere.

    One comparison decides: -0.0 equals 0 and gives +1, NaN is at least nothing and gives -1.

    Args:
        images: float32 or uint8 by axes ``(N, C, H, W)``, in memory either so or channels last; other orders are copied.
        level: 0 for float32 and 128 for uint8 where not given.
        margin: rows at the top and bottom and columns at the left and right that are added around.
        plus: whether the margin is +1 rather than -1.
        isa: kernel table (:func:`xnorflow.kernels.resolve`).
        threads: up to so many work.

    Returns:
        Packed ``(N, top + H + bottom, left + W + right, C)``.

    Raises:
        BadInputError: a wrong element type or shape.
    """
    if not isinstance(images, np.ndarray) or images.dtype not in (np.float32, np.uint8) or images.ndim != 4:
        given = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise BadInputError(f"images are {given}; float32 or uint8 (N, C, H, W) is accepted")
    item = images.itemsize
    if any(stride % item for stride in images.strides) or (images.dtype == np.float32 and item not in (images.strides[1], images.strides[3])):
        images = np.ascontiguousarray(images)
    n, channels, height, width = images.shape
    out = np.empty((n, margin[0] + height + margin[1], margin[2] + width + margin[3], words_for(channels)), dtype=np.uint64)
    limit: float = (0.0 if images.dtype == np.float32 else 128) if level is None else level
    _kernels.pack_images(resolve(isa), images, limit, list(margin), plus, out, threads)
    return Packed(out, channels)


def pad(x: Packed, margin: Margin, *, plus: bool = False, threads: int = 1) -> Packed:
    """Packed images ``(N, H, W, C)`` inside a margin of -1, or of +1."""
    n, height, width, words = x.words.shape
    out = np.empty((n, margin[0] + height + margin[1], margin[2] + width + margin[3], words), dtype=np.uint64)
    _kernels.pad_bits(x.words, x.channels, list(margin), plus, out, threads)
    return Packed(out, x.channels)


class BinaryConv2d:
    """A convolution of -1 and +1 by weights of -1 and +1, padded with -1, 0 or +1.

    Args:
        weights: integers or float32 ``(M, C / groups, KH, KW)``; +1 where 0 or more, -1 elsewhere and where NaN.
        stride: vertical and horizontal.
        padding: rows above and below, columns left and right.
        dilation: vertical and horizontal.
        groups: 1, or C where every channel has one kernel of its own (depthwise, M = C).
        pad_value: what stands in the padding.
        isa: kernel table (:func:`xnorflow.kernels.resolve`).
        threads: up to so many work in one call.

    Raises:
        BadInputError: shapes, the padding's value or the instruction set do not fit.
    """

    def __init__(
        self,
        weights: npt.NDArray[Any],
        *,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        pad_value: int = 0,
        isa: str | None = None,
        threads: int = 1,
    ) -> None:
        if weights.ndim != 4 or not weights.size:
            raise BadInputError(f"weights have shape {weights.shape}; (M, C, KH, KW) is accepted")
        if pad_value not in (-1, 0, 1) or min(padding) < 0:
            raise BadInputError(f"padding {padding} with {pad_value} is not possible; sizes of 0 or more with -1, 0 or 1 are accepted")
        if groups != 1 and (weights.shape[:2] != (groups, 1)):
            raise BadInputError(
                f"weights {weights.shape} in {groups} groups have no kernel; one group, or as many as channels in and out, is accepted"
            )
        self.depthwise = groups > 1
        self.window = Window((weights.shape[2], weights.shape[3]), stride, dilation)
        self.margin: Margin = (padding[0], padding[0], padding[1], padding[1])
        self.pad_value, self.isa, self.threads = pad_value, resolve(isa), threads
        self._signs = np.where(weights >= 0, np.int8(1), np.int8(-1))
        self._layers: dict[tuple[int, int] | None, XnorLayer] = {}

    @property
    def mh(self) -> int:
        """Channels of the output."""
        return len(self._signs)

    def pack(self, images: npt.NDArray[Any], level: float | None = None) -> Packed:
        """Numbers ``(N, C, H, W)`` to packed images inside this layer's padding (:func:`pack_images`)."""
        return pack_images(images, level=level, margin=self.margin, plus=self.pad_value > 0, isa=self.isa, threads=self.threads)

    def pad(self, x: Packed) -> Packed:
        """Packed images inside this layer's padding."""
        return pad(x, self.margin, plus=self.pad_value > 0, threads=self.threads) if any(self.margin) else x

    def accumulate(self, padded: Packed) -> npt.NDArray[np.int32]:
        """Accumulators int32 ``(N, OH, OW, M)`` of padded images."""
        return self.layer(padded).accumulate(padded, threads=self.threads)

    def bits(self, padded: Packed, thresholds: BitThresholds) -> Packed:
        """Packed ``(N, OH, OW, M)`` of padded images."""
        return self.layer(padded).bits(padded, thresholds, threads=self.threads)

    def floats(self, padded: Packed, scale: Floats, bias: Floats) -> Floats:
        """``float32(acc) * scale + bias`` of padded images, ``(N, OH, OW, M)``; each of the three operations rounds by itself."""
        layer = self.layer(padded)
        return layer.floats(padded, layer.scales(scale, bias), threads=self.threads)

    def layer(self, padded: Packed) -> XnorLayer:
        """The kernels' layer for padded images of that size: one for all, or one a size where padding is with 0."""
        top, bottom, left, right = self.margin
        zero = self.pad_value == 0 and any(self.margin)
        size = (padded.shape[1] - top - bottom, padded.shape[2] - left - right) if zero else None
        if size not in self._layers:
            columns, channels = self._signs.transpose(0, 2, 3, 1).reshape(self.mh, -1), self.mh if self.depthwise else self._signs.shape[1]
            per_tap = self._signs.sum(axis=1, dtype=np.int64)
            borders = zero_borders(per_tap, size, self.margin, self.window) if size else None
            self._layers[size] = XnorLayer(columns, channels, self.window, borders=borders, isa=self.isa, depthwise=self.depthwise)
        return self._layers[size]
