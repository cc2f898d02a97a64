"""BNEW's concave regulariser on digits."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


def test_weights_are_binary_before_the_freeze(measured, seed: int) -> None:
    measured("bnew", seed).meets("share of weights near one", "warnings")


def test_the_freeze_costs_nothing(measured, seed: int) -> None:
    measured("bnew", seed).meets("drop")


def test_every_weight_is_a_sign_at_the_end(measured, seed: int) -> None:
    measured("bnew", seed).meets("distance to one")


def test_too_low_a_rate_is_told_of(measured, seed: int) -> None:
    measured("bnew", seed).meets("warnings, rate 0.001")
