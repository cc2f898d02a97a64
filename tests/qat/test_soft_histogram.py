"""The differentiable histogram."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.soft_histogram import divergence, soft_histogram

VALUES = torch.randn(3, 200, generator=torch.Generator().manual_seed(0))


def test_histogram_equals_the_written_out_sums() -> None:
    expected = np.zeros((3, 16))
    for row in range(3):
        for bin_, centre in enumerate(np.linspace(-2, 2, 16)):
            for value in VALUES[row].tolist():
                expected[row, bin_] += np.exp(-((value - centre) ** 2) / (2 * 0.25**2))
    expected = expected / expected.sum(1, keepdims=True) + 1e-6
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(soft_histogram(VALUES, centres=16, reach=2.0, bandwidth=0.25), expected, rtol=1e-4, atol=1e-8)


def test_rows_are_distributions_even_out_of_range() -> None:
    shares = soft_histogram(torch.full((2, 5), 100.0))
    assert torch.all(shares > 0)
    assert torch.allclose(shares.sum(1), torch.ones(2))


def test_divergence_is_zero_only_between_equals_and_has_a_gradient() -> None:
    a, b = soft_histogram(VALUES), soft_histogram(VALUES * 0.5)
    assert torch.all(divergence(a, a) == 0)
    assert torch.all(divergence(a, b) > 0.1)
    values = VALUES[:, :6].double().requires_grad_()
    target = soft_histogram(values.detach() * 0.5, centres=8)
    assert torch.autograd.gradcheck(lambda v: divergence(soft_histogram(v, centres=8), target), values)


def test_unusable_shapes_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"soft histogram of shape \(4,\)"):
        soft_histogram(torch.ones(4))


def test_chunks_of_centres_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = soft_histogram(VALUES)
    monkeypatch.setattr("xnorflow.qat.soft_histogram.CHUNK", 3 * VALUES.numel())
    torch.testing.assert_close(soft_histogram(VALUES), whole, rtol=1e-5, atol=1e-7)
