"""Every weight method ends with weights that are all -1 or +1 and a problem that is solved, on three seeds."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from xnorflow.qat.binarisers.progressive import ProgressiveSign
from xnorflow.qat.binarisers.schedule import set_epoch
from xnorflow.qat.binarisers.tanh_anneal import TanhAnneal
from xnorflow.qat.estimators import SteSign, sign
from xnorflow.qat.optim.after_step import WeightRule, attach
from xnorflow.qat.optim.bnew import Bnew, NotBinaryWarning, freeze_signs
from xnorflow.qat.optim.bop import Bop
from xnorflow.qat.optim.combined import CombinedOptimizer
from xnorflow.qat.optim.flips import FlipCounter
from xnorflow.qat.optim.latent_clip import LatentClip
from xnorflow.qat.optim.prox_quant import ProxQuant
from xnorflow.qat.optim.strength import Strength
from xnorflow.qat.regularise.metrics import near_one_share

SEEDS = [0, 1, 2]
SOLVED = 65.0  # percent; chance is about 10, real weights reach 95


def trained_by(rule: WeightRule, run) -> None:
    if isinstance(rule, ProxQuant):  # it pulls hardest at zero, so it starts from trained weights
        trained_by(LatentClip(), run)
    optimizer = torch.optim.Adam(run.parameters(), lr=0.01)
    attach(optimizer, [run.weight], rule)
    run.train(optimizer, rule.set_epoch)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "rule",
    [
        Bnew(Strength(0.03, "none", "share")),
        Bnew(Strength(0.03, "none", "share"), exact=True),
        Bnew(Strength(6.0, "eta", "share")),
        ProxQuant(Strength(0.01, "none", "share"), "l1"),
        ProxQuant(Strength(0.05, "none", "share"), "l2"),
    ],
    ids=["bnew", "bnew exact", "bnew coupled", "proxquant l1", "proxquant l2"],
)
def test_weights_are_binary_before_the_freeze_which_costs_nothing(problem, rule: WeightRule, seed: int) -> None:
    run = problem(seed)
    trained_by(rule, run)
    before = run.accuracy()
    assert near_one_share([run.weight]) >= 0.99
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        freeze_signs([run.weight])
    assert set(run.weight.unique().tolist()) == {-1.0, 1.0}
    assert abs(run.accuracy() - before) <= 1.0
    assert before >= SOLVED


def test_a_weak_ramp_is_flagged(problem) -> None:
    run = problem(0)
    trained_by(Bnew(Strength(0.001, "none", "share")), run)
    with pytest.warns(NotBinaryWarning, match=r"only \d+\.\d% of the weights are binary"):
        assert freeze_signs([run.weight]) < 0.1


def test_frozen_weights_stay_while_the_rest_is_tuned(problem) -> None:
    run = problem(0)
    rule = Bnew(Strength(0.03, "none", "share"))
    optimizer = torch.optim.AdamW(run.parameters(), lr=0.01, weight_decay=0.1)
    attach(optimizer, [run.weight], rule)
    run.train(optimizer, rule.set_epoch)
    freeze_signs([run.weight])
    frozen, tuned = run.weight.detach().clone(), run.norm.weight.detach().clone()
    run.train(optimizer, rule.set_epoch, epochs=2)
    assert torch.equal(run.weight, frozen)
    assert not torch.equal(run.norm.weight, tuned)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("quantiser", "limit"), [(TanhAnneal, 1.0), (ProgressiveSign, 1.5), (SteSign, 1.0)])
def test_annealed_and_latent_weights_end_as_signs(problem, quantiser: type[nn.Module], limit: float, seed: int) -> None:
    run = problem(seed, quantiser())
    optimizer = torch.optim.Adam(run.parameters(), lr=0.01)
    attach(optimizer, [run.weight], LatentClip(limit))
    run.train(optimizer, lambda epoch, epochs: set_epoch(run.quantiser, epoch, epochs))
    assert set(run.quantiser(run.weight).unique().tolist()) == {-1.0, 1.0}
    assert float(run.weight.detach().abs().max()) <= limit
    assert run.accuracy() >= SOLVED


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("gamma", "threshold", "sigma"), [(1e-2, 1e-3, None), (1e-2, 0.3, 1e-2)], ids=["bop", "second order"])
def test_bop_flips_less_and_less(problem, gamma: float, threshold: float, sigma: float | None, seed: int) -> None:
    run = problem(seed, SteSign())
    bop = Bop([run.weight], lr=gamma, threshold=threshold, second_moment=sigma)
    optimizer = CombinedOptimizer([bop, torch.optim.Adam(run.reals(), lr=0.01)])
    counter, laps = FlipCounter([run.weight]), []

    run.train(optimizer, lambda epoch, epochs: laps.append(counter.lap()))
    laps.append(counter.lap())
    assert set(run.weight.unique().tolist()) == {-1.0, 1.0}
    assert laps[-1] <= 0.05 * max(laps)
    assert run.accuracy() >= SOLVED


def test_changed_signs_are_counted_since_the_last_lap_and_the_start() -> None:
    weight = torch.tensor([-1.0, 2.0, 0.0])
    counter = FlipCounter([weight])
    weight.copy_(torch.tensor([-0.1, 5.0, -0.0]))
    assert counter.lap() == 0
    weight.neg_()
    assert counter.lap() == pytest.approx(2 / 3)
    assert counter.lap() == 0
    assert counter.since_start() == pytest.approx(2 / 3)
    assert torch.equal(sign(weight), torch.tensor([1.0, -1.0, 1.0]))
