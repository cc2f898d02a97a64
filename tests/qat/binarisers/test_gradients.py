"""Values and gradients of every sign estimator against published formulas, written out independently."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from xnorflow.qat.binarisers.ede import EdeSign
from xnorflow.qat.binarisers.progressive import ProgressiveSign
from xnorflow.qat.binarisers.rbnn import RbnnSign
from xnorflow.qat.binarisers.tanh_anneal import TanhAnneal
from xnorflow.qat.estimators import ApproxSign, SteSign

POINTS = [-2, -1.5, -1.25, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.25, 1.5, 2]


def gradient(binariser: nn.Module, points: list[float]) -> Tensor:
    x = torch.tensor(points, dtype=torch.float32, requires_grad=True)
    binariser(x).sum().backward()
    assert x.grad is not None
    return x.grad


def ede(t: float, k: float) -> EdeSign:
    binariser = EdeSign()
    binariser.t.fill_(t)
    binariser.k.fill_(k)
    return binariser


def rbnn(t: float, k: float) -> RbnnSign:
    binariser = RbnnSign()
    binariser.t.fill_(t)
    binariser.k.fill_(k)
    return binariser


@pytest.mark.parametrize(
    ("binariser", "points", "expected"),
    [
        (SteSign(1.0), POINTS, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]),
        (SteSign(1.25), POINTS, [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
        (SteSign(1.5), POINTS, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]),
        (ApproxSign(), POINTS, [0, 0, 0, 0, 1, 1.5, 2, 1.5, 1, 0, 0, 0, 0]),
        (ede(1, 1), POINTS, [0.0707, 0.1807, 0.2804, 0.42, 0.7864, 0.94, 1, 0.94, 0.7864, 0.42, 0.2804, 0.1807, 0.0707]),
        (ede(10, 1), [0, 0.25, -0.25, 0.5, -0.5], [10, 0.2659, 0.2659, 0.0018, 0.0018]),
        (ede(0.1, 10), [1, -1], [0.9901, 0.9901]),
        (rbnn(1, 1), POINTS, [0, 0, 0.1642, 0.4142, 0.9142, 1.1642, 1.4142, 1.1642, 0.9142, 0.4142, 0.1642, 0, 0]),
    ],
)
def test_gradient_is_the_published_one(binariser: nn.Module, points: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(gradient(binariser, points).numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("epoch", [0, 3, 7, 10])
def test_ede_and_rbnn_follow_their_schedule(epoch: int) -> None:
    t = math.exp(math.log(0.01) + epoch / 10 * (math.log(10) - math.log(0.01)))
    k = 1 / t if t < 1 else 1
    x = np.linspace(-3, 3, 41)
    error_decay, weights, activations = EdeSign(), RbnnSign(), RbnnSign(activation=True)
    for binariser in (error_decay, weights, activations):
        binariser.set_epoch(epoch, 10)
    np.testing.assert_allclose(gradient(error_decay, list(x)), k * t / np.cosh(t * x) ** 2, rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(gradient(weights, list(x)), k * np.maximum(0, 2**0.5 * t - t * t * abs(x)), rtol=1e-4, atol=1e-5)
    t = max(t, 1)
    np.testing.assert_allclose(gradient(activations, list(x)), np.maximum(0, 2**0.5 * t - t * t * abs(x)), rtol=1e-4, atol=1e-5)


def hardened(binariser: nn.Module) -> nn.Module:
    if isinstance(binariser, ProgressiveSign | TanhAnneal):
        binariser.set_epoch(10, 10)
    return binariser


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("make", [SteSign, ApproxSign, EdeSign, RbnnSign, TanhAnneal, ProgressiveSign])
def test_both_zeros_become_plus_one(make: type[nn.Module], training: bool) -> None:
    binariser = hardened(make()).train(training)
    assert binariser(torch.tensor([0.0, -0.0, 1e-30, -1e-30])).tolist() == [1, 1, 1, -1]


@pytest.mark.parametrize("make", [TanhAnneal, ProgressiveSign])
def test_annealed_weights_pass_the_gradient_unchanged(make: type[nn.Module]) -> None:
    assert gradient(make(), POINTS).tolist() == [1.0] * len(POINTS)


def test_soft_values_are_those_of_the_papers() -> None:
    w = np.array([-2.0, -0.3, 0.0, 0.02, 1.5], dtype=np.float32)
    progressive, annealed = ProgressiveSign(gamma=0.9), TanhAnneal(rate=1.3)
    progressive.set_epoch(5, 100)
    annealed.set_epoch(5, 100)
    np.testing.assert_allclose(progressive(torch.tensor(w)), np.clip(w / 0.9**5, -1, 1), rtol=1e-6)
    np.testing.assert_allclose(annealed(torch.tensor(w)), np.tanh(1.3**5 * w), rtol=1e-6)
    assert set(progressive.eval()(torch.tensor(w)).tolist()) == {-1.0, 1.0}
    assert set(annealed.eval()(torch.tensor(w)).tolist()) == {-1.0, 1.0}
