"""What the wrappers check before the C++ sees an array: it reads C-contiguous memory of a few element types."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError

ELEMENTS = (np.uint8, np.int8, np.int16, np.int32, np.int64)
"""Element types of unpacked streams."""

Scalar = TypeVar("Scalar", bound=np.generic)


def contiguous(array: npt.NDArray[Scalar], what: str, accepted: tuple[type[np.generic], ...] = ELEMENTS) -> npt.NDArray[Scalar]:
    """The array itself if it is C-contiguous, else a copy that is.

    Raises:
        BadInputError: the element type is not accepted.
    """
    if not isinstance(array, np.ndarray) or array.dtype.type not in accepted or not array.dtype.isnative:
        names = ", ".join(np.dtype(t).name for t in accepted)
        raise BadInputError(f"{what} is {getattr(array, 'dtype', type(array).__name__)}; accepted are {names}")
    return np.ascontiguousarray(array)


def exact(array: npt.NDArray[Any], target: type[Scalar], what: str) -> npt.NDArray[Scalar]:
    """The integer or boolean array as C-contiguous ``target``.

    Raises:
        BadInputError: it is no integer array, or a value does not fit.
    """
    if array.dtype.kind not in "iub":
        raise BadInputError(f"{what} is {array.dtype}; integers are accepted")
    cast = array.astype(target)
    if not np.array_equal(cast, array):
        raise BadInputError(f"{what} holds values outside {np.dtype(target).name}")
    return np.ascontiguousarray(cast)
