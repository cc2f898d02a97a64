"""Factors over a training."""

from __future__ import annotations

import math

import pytest

from xnorflow.errors import BadInputError
from xnorflow.qat.optim.build import rate_schedule
from xnorflow.qat.schedules import ramp
from xnorflow.qat.train_settings import TrainSettings


def test_a_recipes_cosine_with_an_end_is_apds_equation_6() -> None:
    rate = rate_schedule(TrainSettings(epochs=416, lr=1.5e-3, lr_end=1e-9, schedule="cosine"), 1000)
    rates = [1.5e-3 * rate(step) for step in (0, 104_000, 208_000, 416_000)]
    quarter = 1e-9 + 0.5 * (1.5e-3 - 1e-9) * (1 + math.sqrt(0.5))
    assert rates == pytest.approx([1.5e-3, quarter, (1.5e-3 + 1e-9) / 2, 1e-9], rel=1e-9)


def test_ramp_is_linear_then_constant() -> None:
    assert [ramp(step, 4, 1.0, 3.0) for step in range(6)] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.0]


@pytest.mark.parametrize(("step", "steps"), [(-1, 4), (0, 0)])
def test_impossible_steps_are_refused(step: int, steps: int) -> None:
    with pytest.raises(BadInputError, match=f"step {step} of {steps}"):
        ramp(step, steps)
