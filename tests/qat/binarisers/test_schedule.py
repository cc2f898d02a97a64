"""Schedules of soft weights, and the guard that keeps them out of results."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError, UnsupportedModelError
from xnorflow.qat.binarisers.progressive import ProgressiveSign
from xnorflow.qat.binarisers.real import RealWeight, harden
from xnorflow.qat.binarisers.schedule import hardening_epoch, require_hard, scaled_gamma, set_epoch, soft_parts
from xnorflow.qat.binarisers.tanh_anneal import TanhAnneal


def test_published_gamma_hardens_bnext_at_153_and_bnext18_at_110() -> None:
    assert hardening_epoch(1e-7, 0.9) == 153
    assert hardening_epoch(1e-5, 0.9) == 110


@pytest.mark.parametrize("threshold", [1e-5, 1e-7])
@pytest.mark.parametrize("epochs", [2, 3, 5, 24, 100, 512])
def test_scaled_gamma_hardens_within_half_of_any_training(epochs: int, threshold: float) -> None:
    binariser = ProgressiveSign(threshold)
    soft = []
    for epoch in range(epochs + 1):
        binariser.set_epoch(epoch, epochs)
        soft.append(binariser.softness() is not None)
    assert soft[0]
    assert not any(soft[i] < soft[i + 1] for i in range(epochs))
    assert sum(soft) <= math.ceil(0.5 * epochs)


def test_scaled_gamma_reaches_the_threshold_at_its_share() -> None:
    assert scaled_gamma(1e-7, 0.4, 100) ** 40 == pytest.approx(1e-7)


def test_a_short_training_with_the_published_gamma_is_refused() -> None:
    network = nn.Sequential(nn.Identity(), ProgressiveSign(gamma=0.9))
    set_epoch(network, 128, 128)
    with pytest.raises(UnsupportedModelError, match=r"layer network\.1 is not binary yet: its weights' temperature is 1\.4e-06, not below 1e-07"):
        require_hard(network)
    set_epoch(network, 153, 200)
    require_hard(network)


def test_annealed_tanh_is_soft_until_its_share() -> None:
    binariser = TanhAnneal(beta_end=1e3, hard_at=0.5)
    binariser.set_epoch(4, 10)
    assert binariser.softness() is not None
    assert float(binariser.beta) == pytest.approx(1e3**0.8, rel=1e-5)
    binariser.set_epoch(5, 10)
    assert binariser.softness() is None
    assert set(binariser(torch.randn(50)).tolist()) == {-1.0, 1.0}


def test_published_rate_is_limited() -> None:
    binariser = TanhAnneal(rate=1.3)
    binariser.set_epoch(5000, 10000)
    assert float(binariser.beta) == pytest.approx(1e35)


def test_real_weights_are_refused_until_hardened() -> None:
    network = nn.Sequential(RealWeight())
    x = torch.tensor([-0.4, -0.0, 0.7])
    assert torch.equal(network(x), x)
    assert list(soft_parts(network)) == ["0"]
    assert harden(network) == 1
    assert network(x).tolist() == [-1, 1, 1]
    require_hard(network)


def test_state_is_kept_by_checkpoints() -> None:
    before = nn.Sequential(ProgressiveSign(), TanhAnneal(), RealWeight())
    set_epoch(before, 10, 10)
    harden(before)
    after = nn.Sequential(ProgressiveSign(), TanhAnneal(), RealWeight())
    after.load_state_dict(before.state_dict())
    assert soft_parts(after) == {}


@pytest.mark.parametrize(("epoch", "epochs"), [(-1, 10), (11, 10), (0, 0)])
def test_impossible_epochs_are_refused(epoch: int, epochs: int) -> None:
    with pytest.raises(BadInputError, match=f"epoch {epoch} of {epochs} does not exist"):
        set_epoch(nn.Identity(), epoch, epochs)


@pytest.mark.parametrize("settings", [{"threshold": 0.0}, {"threshold": 1.0}, {"hard_at": 0.0}, {"gamma": 1.0}])
def test_impossible_temperatures_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadInputError):
        ProgressiveSign(**settings)
