"""Thresholds, tables, pooling and argmax on unpacked integers, and pooling on packed bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xnorflow import _kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels.checks import contiguous, exact
from xnorflow.kernels.packed import Packed

if TYPE_CHECKING:
    from xnorflow.kernels.layers import Integers
    from xnorflow.kernels.window import Window


def _vectors(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if x.ndim < 1 or x.shape[-1] < 1:
        raise BadInputError(f"an array of shape {x.shape} has no channels")
    return contiguous(x, "array").reshape(-1, x.shape[-1])


def threshold(x: npt.NDArray[Any], thresholds: Integers, negate: npt.NDArray[np.bool_], *, base: int, step: int) -> npt.NDArray[np.int64]:
    """``base + step * #{l : s*x >= thresholds[c, l]}``, with ``s = -1`` in negated channels.

    Args:
        x: integers ``(..., C)``.
        thresholds: ``(C, L)``, ascending along L.
        negate: ``(C,)``.
        base: the code where no threshold is reached.
        step: what each reached threshold adds.

    Returns:
        int64 ``(..., C)``.

    Raises:
        BadInputError: shapes or types do not fit, or the thresholds do not ascend.
    """
    if thresholds.ndim != 2 or negate.ndim != 1:
        raise BadInputError(f"thresholds {thresholds.shape} and negate {negate.shape} must be (C, L) and (C,)")
    if np.any(thresholds[:, 1:] < thresholds[:, :-1]):
        raise BadInputError("thresholds are not ascending")
    out = np.empty(x.shape, dtype=np.int64)
    limits = exact(thresholds, np.int64, "thresholds"), exact(negate, np.uint8, "negate")
    _kernels.threshold(_vectors(x), *limits, base, step, out.reshape(-1, x.shape[-1]))
    return out


def look_up(x: npt.NDArray[Any], values: Integers) -> npt.NDArray[np.int64]:
    """``values[c, pattern of x]``, the pattern being x modulo the size of the table.

    Args:
        x: integers ``(..., C)``.
        values: ``(C, 2**bits)``, or ``(1, 2**bits)`` shared by all channels.

    Returns:
        int64 ``(..., C)``.

    Raises:
        BadInputError: shapes or types do not fit.
    """
    if values.ndim != 2:
        raise BadInputError(f"a table of shape {values.shape} is not (C, 2**bits)")
    out = np.empty(x.shape, dtype=np.int64)
    _kernels.look_up(_vectors(x), exact(values, np.int64, "table"), out.reshape(-1, x.shape[-1]))
    return out


def sum_pixels(x: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The sums of pixels over the axis before the channels: integers ``(..., taps, C)`` to int64 ``(..., C)``.

    Raises:
        BadInputError: fewer than two axes, or a wrong element type.
    """
    if x.ndim < 2:
        raise BadInputError(f"an array of shape {x.shape} has no pixels; (..., taps, C) is accepted")
    out = np.empty((*x.shape[:-2], x.shape[-1]), dtype=np.int64)
    _kernels.sum_pixels(contiguous(x, "array").reshape(-1, *x.shape[-2:]), out.reshape(-1, x.shape[-1]))
    return out


def add(a: npt.NDArray[Any], b: npt.NDArray[Any], *, low: int, high: int) -> npt.NDArray[np.int64]:
    """``min(max(a + b, low), high)``, element by element.

    Args:
        a: integers within 32 bits.
        b: integers of the same shape, within 32 bits.
        low: the least sum.
        high: the greatest sum.

    Returns:
        int64 of that shape.

    Raises:
        BadInputError: shapes or types do not fit.
    """
    first, second, out = _pair(a, b, "added")
    _kernels.add(first, second, low, high, out.reshape(-1))
    return out


def multiply(a: npt.NDArray[Any], b: npt.NDArray[Any], *, shift: int, low: int, high: int) -> npt.NDArray[np.int64]:
    """``min(max((a * b) >> shift, low), high)``, element by element.

    Args:
        a: integers.
        b: integers of the same shape; no product may exceed 63 bits.
        shift: of the product, towards minus infinity.
        low: the least result.
        high: the greatest result.

    Returns:
        int64 of that shape.

    Raises:
        BadInputError: shapes or types do not fit.
    """
    first, second, out = _pair(a, b, "multiplied")
    _kernels.multiply(first, second, shift, low, high, out.reshape(-1))
    return out


def gate(x: npt.NDArray[Any], factors: npt.NDArray[Any], *, shift: int, low: int, high: int) -> npt.NDArray[np.int64]:
    """``min(max((x * factors) >> shift, low), high)``, each pixel of a frame times the frame's factors.

    Args:
        x: integers ``(N, H, W, C)``; no product may exceed 63 bits.
        factors: integers ``(N, C)``.
        shift: of the product, towards minus infinity.
        low: the least result.
        high: the greatest result.

    Returns:
        int64 ``(N, H, W, C)``.

    Raises:
        BadInputError: shapes or types do not fit.
    """
    if x.ndim != 4 or factors.ndim != 2:
        raise BadInputError(f"arrays {x.shape} and {factors.shape} must be (N, H, W, C) and (N, C)")
    common = np.result_type(contiguous(x, "images"), contiguous(factors, "factors"))
    out = np.empty(x.shape, dtype=np.int64)
    pixels = (x.shape[0], x.shape[1] * x.shape[2], x.shape[3])
    images, gates = np.ascontiguousarray(x, common), np.ascontiguousarray(factors, common)
    _kernels.gate(images.reshape(pixels), gates, shift, low, high, out.reshape(pixels))
    return out


def _pair(a: npt.NDArray[Any], b: npt.NDArray[Any], done: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Two arrays of one shape as vectors of one type, and the empty result."""
    if a.shape != b.shape:
        raise BadInputError(f"arrays of shapes {a.shape} and {b.shape} are not {done}; equal shapes are accepted")
    common = np.result_type(contiguous(a, "first array"), contiguous(b, "second array"))
    return a.astype(common).reshape(-1), b.astype(common).reshape(-1), np.empty(a.shape, dtype=np.int64)


def affine(x: npt.NDArray[Any], mul: Integers, add: Integers, knee: Integers, *, shift: int, low: int, high: int) -> npt.NDArray[np.int64]:
    """``min(max((mul[c, p] * x + add[c, p]) >> shift, low), high)`` with the piece ``p = 1`` where ``x < knee[c]``, else 0.

    Args:
        x: integers ``(..., C)``; no sum may exceed 63 bits.
        mul: ``(C, P)``, P of 1 or 2 pieces.
        add: likewise.
        knee: ``(C,)``, or ``(0,)`` where P is 1.
        shift: of the sum, towards minus infinity.
        low: the least result.
        high: the greatest result.

    Returns:
        int64 ``(..., C)``.

    Raises:
        BadInputError: shapes or types do not fit.
    """
    if mul.ndim != 2 or add.ndim != 2 or knee.ndim != 1:
        raise BadInputError(f"mul {mul.shape}, add {add.shape} and knee {knee.shape} must be (C, P), (C, P) and (C,)")
    out = np.empty(x.shape, dtype=np.int64)
    coefficients = exact(mul, np.int64, "mul"), exact(add, np.int64, "add"), exact(knee, np.int64, "knee")
    _kernels.affine(_vectors(x), *coefficients, shift, low, high, out.reshape(-1, x.shape[-1]))
    return out


def arg_max(x: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Index of the greatest element of each vector, the lowest of equals: ``(..., C)`` to ``(..., 1)``."""
    vectors = _vectors(x)
    out = np.empty(len(vectors), dtype=np.int64)
    _kernels.arg_max(vectors, out)
    return out.reshape(*x.shape[:-1], 1)


def max_pool(x: npt.NDArray[Any], window: Window) -> npt.NDArray[Any]:
    """The greatest of each window, per channel: ``(N, H, W, C)`` to ``(N, OH, OW, C)``, same element type."""
    images = contiguous(x, "images")
    out = np.empty((*window.count(x.shape), x.shape[-1]), dtype=x.dtype)
    _kernels.max_pool(images, window.kernel, window.stride, window.dilation, out)
    return out


def max_pool_bits(x: Packed, window: Window) -> Packed:
    """The OR of each window's bits: packed ``(N, H, W, C)`` to packed ``(N, OH, OW, C)``."""
    out = np.empty((*window.count(x.shape), x.words.shape[-1]), dtype=np.uint64)
    _kernels.max_pool(x.words, window.kernel, window.stride, window.dilation, out)
    return Packed(out, x.channels)
