"""How the CPU runtime holds a stream: packed bits where it is BIPOLAR, the narrowest usual integers elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from xnorflow import kernels
from xnorflow.kernels import Packed

if TYPE_CHECKING:
    from xnorflow.hw.graph import StreamType
    from xnorflow.hw.types import IntArray, IntType

Integers: TypeAlias = npt.NDArray[np.integer[Any]]
Value: TypeAlias = Packed | Integers

_STORAGE = (np.uint8, np.int8, np.int16, np.int32, np.int64)


def storage(dtype: IntType) -> type[np.integer[Any]]:
    """The narrowest element type of the kernels that holds every value of the stream type."""
    return next(t for t in _STORAGE if np.iinfo(t).min <= dtype.minimum and dtype.maximum <= np.iinfo(t).max)


def hold(values: Integers, dtype: IntType) -> Value:
    """Store the values ``(N, ..., C)`` of a stream as the runtime does."""
    if dtype.bipolar:
        return kernels.pack(values.astype(np.int8))
    return values.astype(storage(dtype), copy=False)


def integers(value: Value) -> Integers:
    """The values of a stream unpacked: int8 for BIPOLAR."""
    return kernels.unpack(value) if isinstance(value, Packed) else value


def wide(value: Value) -> IntArray:
    """The values of a stream as int64, as the interpreter holds them."""
    return integers(value).astype(np.int64)


def reshape(value: Value, leading: tuple[int, ...]) -> Value:
    """Arrange the pixels (all axes but the last) anew."""
    return value.reshape(*leading) if isinstance(value, Packed) else value.reshape(*leading, value.shape[-1])


def as_images(value: Value) -> Value:
    """A batch of vectors ``(N, C)`` as images of one pixel ``(N, 1, 1, C)``; images stay."""
    return value if len(value.shape) == 4 else reshape(value, (value.shape[0], 1, 1))


def frame_bytes(kind: StreamType) -> int:
    """Bytes that one frame of a stream may take while a node computes it: 8 an element, packed bits extra."""
    return 8 * kind.size
