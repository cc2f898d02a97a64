"""Factors over a training."""

from __future__ import annotations

from xnorflow.errors import BadInputError


def ramp(step: int, steps: int, first: float = 0.0, last: float = 1.0) -> float:
    """Linear from ``first`` at step 0 to ``last`` at ``steps``, constant after.

    Raises:
        BadInputError: the step is negative, or there are no steps.
    """
    if steps < 1 or step < 0:
        raise BadInputError(f"step {step} of {steps} does not exist; a step of at least 0 and a positive number of steps are accepted")
    return first + (last - first) * min(1.0, step / steps)
