"""Weight transforms and scales against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.transforms import RectifiedClamp, SampleScale, Standardise
from xnorflow.qat.scales import LearnedScale, MeanScale, PowerOfTwoScale

WEIGHT = torch.randn(6, 3, 3, 3, generator=torch.Generator().manual_seed(1)) * 0.2 + 0.05


def numpy_standardised() -> np.ndarray:
    w = WEIGHT.double().numpy().reshape(6, -1)
    return (w - w.mean(1, keepdims=True)) / np.sqrt(w.var(1, ddof=1, keepdims=True) + 1e-5)


def test_standardise_centres_and_scales_each_filter() -> None:
    np.testing.assert_allclose(Standardise()(WEIGHT).reshape(6, -1), numpy_standardised(), atol=1e-5)


@pytest.mark.parametrize("epoch", [0, 5, 10])
def test_recu_clamps_at_the_laplace_quantile(epoch: int) -> None:
    clamp = RectifiedClamp()
    clamp.set_epoch(epoch, 10)
    a = (0.99 - 0.85) / (math.e - 1)
    tau = a * math.exp(epoch / 10) + (0.85 - a)
    scaled = numpy_standardised() * 2 * math.sqrt(2)
    limit = -abs(scaled).mean() * math.log(2 - 2 * tau)
    np.testing.assert_allclose(clamp(WEIGHT).reshape(6, -1), np.clip(scaled, -limit, limit), atol=1e-4)


def test_recu_stops_the_direct_gradient_at_clamped_weights() -> None:
    scaled_up = WEIGHT.clone()
    scaled_up[0, 0, 0, 0] = 40.0
    out = RectifiedClamp()(scaled_up.requires_grad_())
    out[0, 0, 0, 0].backward()
    assert scaled_up.grad is not None
    assert torch.count_nonzero(scaled_up.grad) == 0


def test_a_filter_of_one_weight_is_refused() -> None:
    with pytest.raises(BadInputError, match="one value a filter"):
        Standardise()(torch.ones(4, 1))


def test_scales_are_means_and_their_nearest_powers_of_two() -> None:
    mean = abs(WEIGHT.double().numpy()).reshape(6, -1).mean(1)
    np.testing.assert_allclose(MeanScale()(WEIGHT).flatten(), mean, rtol=1e-6)
    shifts = PowerOfTwoScale()(WEIGHT)
    assert shifts.shape == (6, 1, 1, 1)
    assert shifts.flatten().tolist() == [2.0 ** round(math.log2(m)) for m in mean]


def test_learned_scale_is_trained_and_never_negative() -> None:
    scale = LearnedScale((6, 1, 1, 1), 0.5)
    (scale(WEIGHT) * torch.arange(6.0).reshape(6, 1, 1, 1)).sum().backward()
    assert scale.factor.grad is not None
    assert scale.factor.grad.flatten().tolist() == [0, 1, 2, 3, 4, 5]
    with torch.no_grad():
        scale.factor.fill_(-0.5)
    assert torch.all(scale(WEIGHT) == 0.5)


def test_sample_scale_divides_by_each_samples_deviation_in_training_only() -> None:
    x = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(2)) * torch.tensor([0.1, 1, 5, 20]).reshape(4, 1, 1, 1)
    scale = SampleScale()
    rows = x.double().numpy().reshape(4, -1)
    np.testing.assert_allclose(scale(x).reshape(4, -1), rows / np.sqrt(rows.var(1, ddof=1, keepdims=True) + 1e-5), rtol=1e-4)
    assert torch.equal(scale(x) >= 0, x >= 0)
    assert torch.equal(scale.eval()(x), x)
