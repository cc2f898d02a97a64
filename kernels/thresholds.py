"""One threshold a channel, prepared for the kernels: accumulators become packed bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xnorflow import _kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels.checks import exact


class BitThresholds:
    """``+1 where s*x >= thresholds[c], else -1``, with ``s = -1`` in negated channels.

    Args:
        thresholds: integers ``(C,)``, any that int64 holds; those beyond int32 mean always or never.
        negate: bool ``(C,)``.

    Raises:
        BadInputError: the shapes differ or the thresholds are no integers.
    """

    def __init__(self, thresholds: npt.NDArray[np.integer[Any]], negate: npt.NDArray[np.bool_]) -> None:
        if thresholds.ndim != 1 or negate.shape != thresholds.shape:
            raise BadInputError(f"thresholds {thresholds.shape} and negate {negate.shape} must both be (C,)")
        self.channels = len(thresholds)
        self.native = _kernels.BitThreshold(exact(thresholds, np.int64, "thresholds"), exact(negate, np.uint8, "negate"))
