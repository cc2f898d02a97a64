"""Where the streams of a program lie: arrays in one arena, which take each other's place when they are no longer read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum
from math import prod
from typing import TYPE_CHECKING

from xnorflow import _kernels
from xnorflow.kernels.packed import WORD_BITS, words_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xnorflow.hw.types import IntType

LINE = 64


class Element(IntEnum):
    """How elements lie in memory; the codes are those of ``kernels/tile_table.hpp``."""

    BITS = 0
    U8 = 1
    I8 = 2
    I16 = 3
    I32 = 4
    I64 = 5

    @property
    def bytes(self) -> int:
        """Of one element, or of one word of bits."""
        return (8, 1, 1, 2, 4, 8)[self]


_RANGES = {Element.U8: (0, 8), Element.I8: (7, 7), Element.I16: (15, 15), Element.I32: (31, 31)}


def storage(dtype: IntType) -> Element:
    """Bits for BIPOLAR, else the narrowest integers that hold every value of the type."""
    if dtype.bipolar:
        return Element.BITS
    return next((e for e, (low, high) in _RANGES.items() if -(1 << low) * (low > 0) <= dtype.minimum and dtype.maximum < 1 << high), Element.I64)


@dataclass(eq=False)
class Buffer:
    """Memory of one frame.

    Attributes:
        bytes: a whole number of cache lines.
        place: offset in the arena, once it is known; -1 - number for an array of the caller's.
        first, last: the steps that write and read it.
    """

    bytes: int
    place: int | None = None
    first: int = -1
    last: int = -1


@dataclass(frozen=True, eq=False)
class View:
    """A stream in a buffer, or a part of it; strides and origin count elements, or words where these are bits."""

    buffer: Buffer
    element: Element
    shape: tuple[int, int, int]
    origin: int
    pixel: int
    row: int
    frame: int

    @classmethod
    def make(cls, element: Element, shape: tuple[int, ...], *, outside: int | None = None) -> View:
        """Memory for a stream ``(H, W, C)`` or ``(C,)``; ``outside`` is the number of an array of the caller's."""
        height, width, channels = image(shape)
        pixel = words_for(channels) if element is Element.BITS else channels
        size = height * width * pixel * element.bytes
        if outside is None:
            size = -(-size // LINE) * LINE
        buffer = Buffer(size, None if outside is None else -1 - outside)
        return cls(buffer, element, (height, width, channels), 0, pixel, width * pixel, size // element.bytes)

    @property
    def dense(self) -> bool:
        """Whether pixels follow each other without gaps, so that they can be taken for others of another shape."""
        return self.origin == 0 and self.row == self.shape[1] * self.pixel and self.pixel == _pixel(self.element, self.shape[2])

    def inside(self, top: int, left: int, height: int, width: int) -> View:
        """A rectangle of the image."""
        return replace(self, shape=(height, width, self.shape[2]), origin=self.origin + top * self.row + left * self.pixel)

    def strided(self, stride: tuple[int, int], height: int, width: int) -> View:
        """Every so many pixels of the image."""
        return replace(self, shape=(height, width, self.shape[2]), pixel=self.pixel * stride[1], row=self.row * stride[0])

    def part(self, first: int, channels: int) -> View:
        """Some channels of every pixel; of bits, whole words."""
        return replace(self, shape=(*self.shape[:2], channels), origin=self.origin + (first // WORD_BITS if self.element is Element.BITS else first))

    def seen_as(self, shape: tuple[int, ...]) -> View:
        """The same memory in another shape; it must be dense, and bits keep their channels."""
        assert self.dense
        height, width, channels = image(shape)
        assert prod(self.shape) == height * width * channels
        pixel = _pixel(self.element, channels)
        return replace(self, shape=(height, width, channels), pixel=pixel, row=width * pixel)

    def native(self) -> _kernels.Tensor:
        """As the kernels take it, once the buffer has its place."""
        assert self.buffer.place is not None
        return _kernels.Tensor(int(self.element), self.buffer.place, list(self.shape), [self.origin, self.pixel, self.row, self.frame])


def image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """A vector ``(C,)`` as an image of one pixel."""
    height, width, channels = (1, 1, *shape) if len(shape) == 1 else shape
    return height, width, channels


def _pixel(element: Element, channels: int) -> int:
    return words_for(channels) if element is Element.BITS else channels


@dataclass
class Arena:
    """Gives buffers their places; one that is live while another is never shares a byte with it."""

    bytes: int = 0
    placed: list[Buffer] = field(default_factory=list)

    def place(self, buffers: Iterable[Buffer]) -> None:
        """Largest first, each at the lowest offset where it meets none that is live at the same time."""
        for buffer in sorted((b for b in buffers if b.place is None), key=lambda b: -b.bytes):
            at = 0
            for other in sorted((o for o in self.placed if o.first <= buffer.last and buffer.first <= o.last), key=_place):
                if at + buffer.bytes <= _place(other):
                    break
                at = max(at, _place(other) + other.bytes)
            buffer.place = at
            self.placed.append(buffer)
            self.bytes = max(self.bytes, at + buffer.bytes)


def _place(buffer: Buffer) -> int:
    assert buffer.place is not None
    return buffer.place
