"""Real-to-Binary's chain of stages on digits."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


def test_the_chain_gains_over_training_from_scratch(measured, seed: int) -> None:
    measured("chain", seed).meets("gain over scratch")


def test_the_last_stage_starts_from_the_bits_of_the_one_before(measured, seed: int) -> None:
    measured("chain", seed).meets("parameters that differ at the start")
