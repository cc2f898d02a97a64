"""Where an element of a file's tensor is in a stream: NCHW or NHWC images, and flattened ones in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xnorflow.hw.chain import AnyArray
    from xnorflow.hw.types import IntArray

NCHW = (0, 2, 3, 1)
NHWC = (0, 1, 2, 3)


@dataclass(frozen=True, eq=False)
class Layout:
    """How one tensor of the file, of a given batch-1 shape, lies in its stream.

    Attributes:
        shape: the tensor's shape with batch 1.
        stream: the stream's shape, ``(H, W, C)`` or ``(C,)``.
        order: for each stream position the flat index into the tensor.
    """

    shape: tuple[int, ...]
    stream: tuple[int, ...]
    order: IntArray

    @classmethod
    def image(cls, shape: tuple[int, ...], axes: tuple[int, ...]) -> Layout:
        """A 4-axis tensor whose axes, taken in the order ``axes``, are N, H, W, C."""
        index = np.arange(np.prod(shape), dtype=np.int64).reshape(shape).transpose(axes)
        return cls(shape, tuple(index.shape[1:]), index.ravel())

    @classmethod
    def plain(cls, shape: tuple[int, ...], stream: tuple[int, ...]) -> Layout:
        """A tensor whose elements lie in the stream in their own order."""
        return cls(shape, stream, np.arange(np.prod(shape), dtype=np.int64))

    @property
    def in_order(self) -> bool:
        """Whether stream order is the tensor's own order."""
        return bool(np.all(self.order == np.arange(len(self.order))))

    def to_stream(self, values: AnyArray) -> AnyArray:
        """A batch ``(N, *shape[1:])`` as ``(N, *stream)``."""
        return values.reshape(len(values), len(self.order))[:, self.order].reshape(len(values), *self.stream)

    def from_stream(self, values: AnyArray) -> AnyArray:
        """The inverse of :meth:`to_stream`."""
        flat = np.empty((len(values), len(self.order)), dtype=values.dtype)
        flat[:, self.order] = values.reshape(len(values), len(self.order))
        return flat.reshape(len(values), *self.shape[1:])

    def reshaped(self, shape: tuple[int, ...]) -> Layout:
        """The same elements in the same stream, under another shape of the tensor."""
        return Layout(shape, self.stream, self.order)

    def flattened(self, shape: tuple[int, ...]) -> Layout:
        """The stream made one vector; element order stays."""
        return Layout(shape, (len(self.order),), self.order)

    def transposed(self, perm: tuple[int, ...]) -> Layout:
        """The tensor with its axes permuted; the stream stays."""
        index = np.arange(len(self.order), dtype=np.int64).reshape(self.shape).transpose(perm)
        inverse = np.empty(len(self.order), dtype=np.int64)
        inverse[index.ravel()] = np.arange(len(self.order))
        return Layout(tuple(index.shape), self.stream, inverse[self.order])

    def same_as(self, other: Layout) -> bool:
        """Whether two layouts place every element alike."""
        return self.stream == other.stream and bool(np.array_equal(self.order, other.order))
