"""Fit ``f(p) = step * (p - zero)`` to a function of an 8-bit pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xnorflow.hw.chain import FloatArray, FloatChain
    from xnorflow.hw.types import IntArray

AFFINE_SLACK = 4.0 * 2.0**-24


@dataclass(frozen=True, eq=False)
class Affine:
    """``f(p) = step * p + shift``, the same step in every channel.

    Attributes:
        step: the slope.
        shift: float32 ``(C,)``.
        zero: int64 ``(C,)`` with ``f(p) = step * (p - zero)`` within rounding, or None where no integer does that.
    """

    step: np.float32
    shift: FloatArray
    zero: IntArray | None


def pixel_values(chain: FloatChain, channels: int) -> FloatArray:
    """What a chain makes of all 256 pixels: ``(256, C)``."""
    pixels = np.arange(256, dtype=np.int64)[:, None]
    return chain.apply(np.broadcast_to(pixels, (256, channels)))


def fit_affine(chain: FloatChain, channels: int) -> Affine | None:
    """The affine function that a chain computes on pixels within float32 rounding; None where it is none."""
    values = pixel_values(chain, channels).astype(np.float64)
    steps = (values[255] - values[0]) / 255
    step = np.float32(steps[0])
    slack = AFFINE_SLACK * float(np.abs(values).max())
    if step == 0 or np.any(np.abs(np.arange(256)[:, None] * float(step) + values[0] - values) > slack):
        return None
    zero = np.rint(-values[0] / float(step))
    exact = np.all(np.abs((np.arange(256)[:, None] - zero) * float(step) - values) <= slack)
    return Affine(step, values[0].astype(np.float32), zero.astype(np.int64) if exact else None)
