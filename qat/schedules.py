"""Factors over a training: cosine decay between two values, and ramps."""

from __future__ import annotations

import math

from xnorflow.errors import BadInputError


def cosine(step: int, steps: int, first: float, last: float) -> float:
    """``last + (first - last) * (1 + cos(pi * step / steps)) / 2`` (APD, Eq. 6): ``first`` at step 0, ``last`` from ``steps`` on.

    Args:
        step: iterations done.
        steps: iterations of the training, positive.
        first: value at step 0, a learning rate of 1.5e-3 in the paper.
        last: value at the end, 1e-9 in the paper.
    """
    done = _share(step, steps)
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * done))


def ramp(step: int, steps: int, first: float = 0.0, last: float = 1.0) -> float:
    """Linear from ``first`` at step 0 to ``last`` at ``steps``, constant after."""
    done = _share(step, steps)
    return first + (last - first) * done


def _share(step: int, steps: int) -> float:
    if steps < 1 or step < 0:
        raise BadInputError(f"step {step} of {steps} does not exist; a step of at least 0 and a positive number of steps are accepted")
    return min(1.0, step / steps)
