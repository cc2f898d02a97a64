from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm


def test_every_step_is_rounded_to_float32() -> None:
    norm = PixelNorm(Fraction(2, 255), (0.1, 0.2), (0.3, 0.7))
    pixels = np.arange(256, dtype=np.uint8).reshape(8, 16, 2)
    expected = np.empty(pixels.shape, np.float32)
    for place in np.ndindex(pixels.shape):
        mean, std = np.float32((0.1, 0.2)[place[-1]]), np.float32((0.3, 0.7)[place[-1]])
        scaled = np.float32(np.float32(np.float32(pixels[place]) * np.float32(2)) / np.float32(255))
        expected[place] = np.float32(np.float32(scaled - mean) / std)
    assert np.array_equal(norm.apply(pixels), expected)
    assert PixelNorm.from_json(norm.to_json()) == norm


@pytest.mark.parametrize(
    ("scale", "mean", "std", "reason"),
    [
        (Fraction(10) ** 400, (), (), "numerator or denominator beyond float32"),
        (Fraction(-(10**5000)), (), (), "numerator or denominator beyond float32"),
        (Fraction(1, 10**60), (), (), "numerator or denominator beyond float32"),
        (Fraction(0), (), (), "is not positive"),
        (Fraction(1, 255), (1e300,), (), "not finite in float32"),
        (Fraction(1, 255), (float("nan"),), (), "not finite in float32"),
        (Fraction(1, 255), (), (1e300,), "not finite in float32"),
        (Fraction(1, 255), (), (1e-60,), "not positive in float32"),
        (Fraction(1, 255), (), (-1.0,), "not positive in float32"),
    ],
)
def test_values_that_float32_cannot_hold_are_refused(scale: Fraction, mean: tuple[float, ...], std: tuple[float, ...], reason: str) -> None:
    with pytest.raises(BadInputError, match=reason):
        PixelNorm(scale, mean, std)


@pytest.mark.parametrize("text", ["", "3", "{}", '{"scale": 1, "mean": 3, "std": []}', "[" * 200_000])
def test_a_damaged_record_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="pixel normalisation"):
        PixelNorm.from_json(text)
