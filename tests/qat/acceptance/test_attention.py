"""Attention matching in stage 0 of Real-to-Binary on digits."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


def test_matching_draws_the_attention_maps_to_the_teachers(measured, seed: int) -> None:
    measured("attention", seed).meets("fall")


def test_without_it_they_stay_more_than_twice_as_far(measured, seed: int) -> None:
    measured("attention", seed).meets("share of the control's")
