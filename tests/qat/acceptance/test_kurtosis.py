"""The kurtosis regulariser (BD-BNN) on digits."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


def test_a_target_of_one_makes_two_modes(measured, seed: int) -> None:
    measured("kurtosis", seed).meets("kurtosis, target 1", "cosine to the sign, target 1")


def test_a_target_of_a_uniform_is_reached(measured, seed: int) -> None:
    measured("kurtosis", seed).meets("distance to the target, target 1.8")


def test_weights_without_it_stay_gaussian(measured, seed: int) -> None:
    measured("kurtosis", seed).meets("kurtosis, no regulariser")
