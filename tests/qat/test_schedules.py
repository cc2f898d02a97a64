"""Factors over a training."""

from __future__ import annotations

import math

import pytest

from xnorflow.errors import BadInputError
from xnorflow.qat.schedules import cosine, ramp


def test_cosine_takes_the_published_rate_to_its_end() -> None:
    rates = [cosine(step, 416_000, 1.5e-3, 1e-9) for step in (0, 104_000, 208_000, 416_000, 500_000)]
    quarter = 1e-9 + 0.5 * (1.5e-3 - 1e-9) * (1 + math.sqrt(0.5))
    assert rates == pytest.approx([1.5e-3, quarter, (1.5e-3 + 1e-9) / 2, 1e-9, 1e-9], rel=1e-9)


def test_ramp_is_linear_then_constant() -> None:
    assert [ramp(step, 4, 1.0, 3.0) for step in range(6)] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.0]


@pytest.mark.parametrize(("step", "steps"), [(-1, 4), (0, 0)])
def test_impossible_steps_are_refused(step: int, steps: int) -> None:
    with pytest.raises(BadInputError, match=f"step {step} of {steps}"):
        cosine(step, steps, 1.0, 0.0)
