"""One threshold a channel, prepared for the kernels: accumulators become packed bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xnorflow import _kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels.checks import contiguous, exact
from xnorflow.kernels.isa import resolve
from xnorflow.kernels.packed import Packed, words_for


class BitThresholds:
    """``+1 where s*x >= thresholds[c], else -1``, with ``s = -1`` in negated channels.

    Args:
        thresholds: integers ``(C,)``, any that int64 holds; those beyond int32 mean always or never.
        negate: bool ``(C,)``.

    Raises:
        BadInputError: the shapes differ or the thresholds are no integers.
    """

    def __init__(self, thresholds: npt.NDArray[np.integer[Any]], negate: npt.NDArray[np.bool_]) -> None:
        if thresholds.ndim != 1 or not len(thresholds) or negate.shape != thresholds.shape:
            raise BadInputError(f"thresholds {thresholds.shape} and negate {negate.shape} must both be (C,) with C of 1 or more")
        self.channels = len(thresholds)
        self.native = _kernels.BitThreshold(exact(thresholds, np.int64, "thresholds"), exact(negate, np.uint8, "negate"))

    def bits(self, x: npt.NDArray[Any], *, isa: str | None = None) -> Packed:
        """Integers ``(..., C)`` behind the thresholds, packed.

        Args:
            x: uint8, int8, int16 or int32.
            isa: kernel table (:func:`xnorflow.kernels.resolve`).

        Raises:
            BadInputError: the channels or the element type do not fit, or the instruction set is unknown.
        """
        if x.ndim < 1 or x.shape[-1] != self.channels:
            raise BadInputError(f"an array of shape {x.shape} does not fit {self.channels} thresholds")
        pixels = contiguous(x, "array", (np.uint8, np.int8, np.int16, np.int32)).reshape(-1, self.channels)
        out = np.empty((len(pixels), words_for(self.channels)), dtype=np.uint64)
        _kernels.sign_bits(resolve(isa), pixels, self.native, out)
        return Packed(out.reshape(*x.shape[:-1], out.shape[-1]), self.channels)
