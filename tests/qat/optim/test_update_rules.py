"""Every update against its published formula in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.tanh_anneal import TanhAnneal
from xnorflow.qat.optim.after_step import attach
from xnorflow.qat.optim.bnew import Bnew
from xnorflow.qat.optim.bop import Bop
from xnorflow.qat.optim.latent_clip import LatentClip
from xnorflow.qat.optim.prox_quant import ProxQuant
from xnorflow.qat.optim.strength import Strength

START = np.array([-1.0, -0.6, -0.05, 0.0, 0.1, 0.5, 0.98, 1.0])
GRADIENT = np.array([1.0, -2.0, 0.3, 0.5, -0.2, -3.0, -1.0, 0.0])
LR = 0.1
STEPPED = START - LR * GRADIENT
SIGN = np.where(STEPPED >= 0, 1, -1)


def after_one_sgd_step(rule: object, epoch: int, epochs: int) -> np.ndarray:
    weight = nn.Parameter(torch.tensor(START))
    optimizer = torch.optim.SGD([weight], lr=LR)
    attach(optimizer, [weight], rule)
    rule.set_epoch(epoch, epochs)
    weight.grad = torch.tensor(GRADIENT)
    optimizer.step()
    return weight.detach().numpy()


def test_latent_clip() -> None:
    np.testing.assert_allclose(after_one_sgd_step(LatentClip(), 0, 1), np.clip(STEPPED, -1, 1))
    np.testing.assert_allclose(after_one_sgd_step(LatentClip(0.5), 0, 1), np.clip(STEPPED, -0.5, 0.5))


@pytest.mark.parametrize(
    ("coupling", "ramp", "strength"),
    [("eta", "epoch", 0.3 * 7 * LR), ("none", "epoch", 0.3 * 7), ("eta", "share", 0.3 * 8 / 10 * LR), ("none", "share", 0.3 * 8 / 10)],
)
def test_bnew_and_proxquant_under_each_convention(coupling: str, ramp: str, strength: float) -> None:
    def made() -> Strength:
        return Strength(0.3, coupling, ramp)

    np.testing.assert_allclose(after_one_sgd_step(Bnew(made()), 7, 10), np.clip(STEPPED * (1 + 2 * strength), -1, 1))
    np.testing.assert_allclose(after_one_sgd_step(ProxQuant(made(), "l2"), 7, 10), (STEPPED + strength * SIGN) / (1 + strength))
    distance = SIGN - STEPPED
    moved = np.where(abs(distance) <= strength, SIGN, STEPPED + strength * np.sign(distance))
    np.testing.assert_allclose(after_one_sgd_step(ProxQuant(made(), "l1"), 7, 10), moved)
    if 2 * strength < 1:
        np.testing.assert_allclose(after_one_sgd_step(Bnew(made(), exact=True), 7, 10), np.clip(STEPPED / (1 - 2 * strength), -1, 1))


def test_exact_bnew_refuses_a_factor_without_meaning() -> None:
    with pytest.raises(BadInputError, match=r"2 \* lambda \* lr is 1\.2; the exact update needs it below 1"):
        after_one_sgd_step(Bnew(Strength(0.6, "none", "share"), exact=True), 0, 1)


def test_exact_and_approximate_bnew_agree_to_first_order() -> None:
    exact, approximate = (after_one_sgd_step(Bnew(Strength(1e-4, "none", "share"), exact=e), 0, 1) for e in (True, False))
    assert 0 < abs(exact - approximate).max() < 1e-7


def test_bnew_follows_adams_step_too() -> None:
    weight, plain = nn.Parameter(torch.tensor(START)), nn.Parameter(torch.tensor(START))
    optimizers = torch.optim.Adam([weight], lr=LR), torch.optim.Adam([plain], lr=LR)
    rule = Bnew(Strength(0.2, "none", "share"))
    rule.set_epoch(0, 1)
    attach(optimizers[0], [weight], rule)
    for optimizer, parameter in zip(optimizers, (weight, plain), strict=True):
        parameter.grad = torch.tensor(GRADIENT)
        optimizer.step()
    np.testing.assert_allclose(weight.detach(), np.clip(plain.detach().numpy() * 1.4, -1, 1))


def test_mirror_descent_steps_the_dual_by_the_primal_gradient() -> None:
    beta, target = 1.3**3, np.linspace(-1, 1, 8)
    latent, annealed = nn.Parameter(torch.tensor(START)), TanhAnneal(rate=1.3)
    annealed.set_epoch(3, 100)
    optimizer = torch.optim.SGD([latent], lr=LR)
    attach(optimizer, [latent], LatentClip())
    (annealed(latent) - torch.tensor(target)).square().sum().backward()
    optimizer.step()
    primal_gradient = 2 * (np.tanh(beta * START) - target)
    np.testing.assert_allclose(latent.detach(), np.clip(START - LR * primal_gradient, -1, 1), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("sigma", [None, 0.01])
def test_bop_over_many_steps(sigma: float | None) -> None:
    rng = np.random.default_rng(0)
    weight = nn.Parameter(torch.tensor(START))
    gamma, threshold = 0.05, 0.03 if sigma is None else 0.4
    optimizer = Bop([weight], lr=gamma, threshold=threshold, second_moment=sigma)
    expected = np.where(START >= 0, 1.0, -1.0)
    mean, square, flips = np.zeros(8), np.zeros(8), 0
    for _ in range(60):
        gradient = rng.normal(0.2 * expected, 1.0)
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        mean = (1 - gamma) * mean + gamma * gradient
        signal = mean
        if sigma is not None:
            square = (1 - sigma) * square + sigma * gradient**2
            signal = mean / (np.sqrt(square) + 1e-10)
        flip = (abs(signal) > threshold) & (np.sign(signal) == expected)
        flips += flip.sum()
        expected = np.where(flip, -expected, expected)
        assert np.array_equal(weight.detach().numpy(), expected)
    assert flips > 10


def test_bop_ignores_what_is_below_its_threshold() -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = Bop([weight], lr=0.1, threshold=1e-3)
    weight.grad = torch.tensor([0.02, 0.009, -0.02])
    optimizer.step()
    assert weight.tolist() == [-1, 1, 1]


def test_rules_leave_other_and_frozen_weights_alone() -> None:
    chosen, frozen, other = (nn.Parameter(torch.full((2,), 5.0)) for _ in range(3))
    optimizer = torch.optim.SGD([chosen, frozen, other], lr=LR)
    attach(optimizer, [chosen, frozen], LatentClip())
    chosen.grad, other.grad = torch.zeros(2), torch.zeros(2)
    optimizer.step()
    assert chosen.tolist() == [1, 1]
    assert frozen.tolist() == other.tolist() == [5, 5]


def test_a_weight_the_optimiser_does_not_have_is_refused() -> None:
    known, unknown = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    with pytest.raises(BadInputError, match="1 of 2 binary weights are not in the optimiser"):
        attach(torch.optim.SGD([known], lr=LR), [known, unknown], LatentClip())


@pytest.mark.parametrize("arguments", [(-1.0, "eta", "epoch"), (1.0, "lr", "epoch"), (1.0, "eta", "cosine")])
def test_unusable_strengths_are_refused(arguments: tuple[float, str, str]) -> None:
    with pytest.raises(BadInputError, match=r"rate|coupling|ramp"):
        Strength(*arguments)
