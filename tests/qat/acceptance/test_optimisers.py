"""Proximal operators, mirror descent and sign flips on digits."""

from __future__ import annotations

import pytest

METHODS = ["ProxQuant L1", "ProxQuant L2", "BMD", "Bop", "Bop2"]
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


@pytest.mark.parametrize("method", METHODS)
def test_every_weight_is_a_sign_at_the_end(measured, method: str, seed: int) -> None:
    measured("optimisers", seed).meets(f"distance to one, {method}")


@pytest.mark.parametrize("method", ["Bop", "Bop2"])
def test_flips_cease(measured, method: str, seed: int) -> None:
    measured("optimisers", seed).meets(f"fall of the flips, {method}")
