from __future__ import annotations

from functools import partial

import pytest

from xnorflow.hw.random_residuals import draw_residual
from xnorflow.sim.random_proof import IMAGES, prove_networks

pytestmark = [pytest.mark.verilator, pytest.mark.slow]


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_random_networks_with_random_foldings_are_equal_on_every_link(first: int) -> None:
    figures = prove_networks(range(first, first + 10))
    assert [f.seed for f in figures] == list(range(first, first + 10))
    for network in figures:
        assert network.images == IMAGES
        assert network.frames == 2 * (IMAGES + (IMAGES + 1) // 2)
        assert (network.interval, network.latency) == (network.estimate, network.latency_estimate)


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_random_networks_whose_branches_meet_are_equal_on_every_link(first: int) -> None:
    """One block each: Verilator's work grows with the cells."""
    for network in prove_networks(range(first, first + 10), drawn=partial(draw_residual, blocks=1)):
        assert (network.interval, network.latency) == (network.estimate, network.latency_estimate)


def test_the_interval_is_measured_once_the_pipeline_is_full() -> None:
    """Network 114 spaces its first two frames wider than all later ones."""
    (network,) = prove_networks([114])
    assert (network.interval, network.latency) == (network.estimate, network.latency_estimate)
