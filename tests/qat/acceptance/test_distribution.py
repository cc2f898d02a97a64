"""The distribution distance (APD) on digits."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


def test_the_distance_ends_nearer_than_in_an_equal_training_without_it(measured, seed: int) -> None:
    measured("distribution", seed).meets("share of the control's")
