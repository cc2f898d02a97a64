"""Weight-distribution mimicking (BD-BNN) on digits."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


def test_a_student_takes_the_shape_of_its_teachers_weights_and_a_control_does_not(measured, seed: int) -> None:
    measured("mimicking", seed).meets("fall", "growth of the control")


def test_histograms_give_a_divergence_and_raw_weights_do_not(measured, seed: int) -> None:
    measured("mimicking", seed).meets("least divergence", "least of the raw form")
