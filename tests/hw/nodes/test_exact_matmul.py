"""Products of integers through floats, on both sides of what each float holds."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow.hw.nodes.mat_vec import exact_matmul


@pytest.mark.parametrize("value", [(1 << 24) - 1, (1 << 24) + 1, (1 << 53) - 1, (1 << 53) + 1])
def test_sums_at_the_ends_of_a_float_are_exact(value: int) -> None:
    """Each odd number beyond an end is one that the float would round."""
    x, weights = np.array([[value], [-value]], dtype=np.int64), np.array([[1], [-1]], dtype=np.int64)
    assert exact_matmul(x, weights).tolist() == [[value, -value], [-value, value]]


def test_random_products_equal_those_of_integers() -> None:
    rng = np.random.default_rng(3)
    for bits in (1, 4, 9, 20):
        x, weights = rng.integers(-(1 << bits), 1 << bits, (2, 3, 5, 40)), rng.integers(-128, 128, (7, 40))
        assert np.array_equal(exact_matmul(x, weights), np.einsum("abck,mk->abcm", x, weights))
