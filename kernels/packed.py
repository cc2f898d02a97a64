"""Packed bipolar arrays: 64 channels a word, bit 1 for +1, the unused bits of the last word 0 (see layout.hpp)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from xnorflow import _kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels.checks import contiguous

if TYPE_CHECKING:
    from xnorflow.kernels.window import Window

Words = npt.NDArray[np.uint64]
WORD_BITS = 64


def words_for(channels: int) -> int:
    """Words that hold that many bits."""
    return -(-channels // WORD_BITS)


@dataclass(frozen=True, eq=False)
class Packed:
    """A bipolar array ``(..., channels)``.

    Attributes:
        words: uint64 ``(..., ceil(channels / 64))``, C-contiguous; channel c is bit ``c % 64`` of word ``c // 64``.
        channels: elements on the innermost axis.
    """

    words: Words
    channels: int

    def __post_init__(self) -> None:
        if self.words.dtype != np.uint64 or self.words.ndim < 1 or self.channels < 1 or self.words.shape[-1] != words_for(self.channels):
            raise BadInputError(f"packed array {self.words.dtype} {self.words.shape} does not hold {self.channels} channels in words of uint64")
        if not self.words.flags.c_contiguous:
            object.__setattr__(self, "words", np.ascontiguousarray(self.words))
        used = self.channels % WORD_BITS
        if used and np.any(self.words[..., -1] >> np.uint64(used)):
            raise BadInputError(f"packed array of {self.channels} channels has bits set beyond the last channel")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array that it stands for."""
        return (*self.words.shape[:-1], self.channels)

    def reshape(self, *leading: int) -> Packed:
        """The same pixels in another arrangement; the channels stay."""
        return Packed(self.words.reshape(*leading, self.words.shape[-1]), self.channels)


def pack(values: npt.NDArray[np.signedinteger]) -> Packed:
    """Pack a signed integer array ``(..., C)``: +1 (bit 1) where the value is 0 or more, else -1 (bit 0).

    Raises:
        BadInputError: the array has no axis, no channels, or is not int8, int16, int32 or int64.
    """
    if values.ndim < 1 or values.shape[-1] < 1:
        raise BadInputError(f"an array of shape {values.shape} cannot be packed; (..., C) with C of 1 or more is accepted")
    flat = contiguous(values, "array to pack", (np.int8, np.int16, np.int32, np.int64)).reshape(-1, values.shape[-1])
    out = np.empty((len(flat), words_for(values.shape[-1])), dtype=np.uint64)
    _kernels.pack(flat, out)
    return Packed(out.reshape(*values.shape[:-1], out.shape[-1]), values.shape[-1])


def unpack(packed: Packed) -> npt.NDArray[np.int8]:
    """The int8 array ``(..., C)`` of -1 and +1."""
    out = np.empty((prod(packed.shape[:-1]), packed.channels), dtype=np.int8)
    _kernels.unpack(packed.words.reshape(len(out), packed.words.shape[-1]), out)
    return out.reshape(packed.shape)


def gather(x: Packed, window: Window) -> Packed:
    """The bits of each window of images ``(N, H, W, C)`` side by side, in (kh, kw, c) order.

    Returns:
        ``(N, OH, OW, KH*KW*C)``. A kernel as large as the image flattens it.

    Raises:
        BadInputError: the window does not fit the image.
    """
    channels = window.kernel[0] * window.kernel[1] * x.channels
    out = np.empty((*window.count(x.shape), words_for(channels)), dtype=np.uint64)
    _kernels.gather_bits(x.words, x.channels, window.kernel, window.stride, window.dilation, out)
    return Packed(out, channels)
