"""BNext's progressive weights on digits."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


def test_the_temperature_is_below_its_threshold_before_half_of_the_epochs(measured, seed: int) -> None:
    measured("progressive", seed).meets("temperature at half, over the threshold")


def test_every_weight_is_a_sign_at_the_end(measured, seed: int) -> None:
    measured("progressive", seed).meets("distance to one")


def test_a_training_too_short_for_the_published_factor_is_refused(measured, seed: int) -> None:
    measured("progressive", seed).meets("refusals of factor 0.9")
