"""Drawn networks whose branches meet: the smallest safe FIFO depths, and one beat less, in RTL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.hw import deadlock
from xnorflow.hw.random_residuals import draw_residual
from xnorflow.sim import depth_proof
from xnorflow.sim.depth_proof import prove_depths
from xnorflow.sim.random_proof import random_graph

SEEDS = (5, 11, 12)

pytestmark = [pytest.mark.verilator, pytest.mark.slow]


def test_the_rtl_runs_with_the_smallest_safe_fifos_and_stops_with_one_beat_less_in_any() -> None:
    graphs = {f"net{seed}": random_graph(seed, draw_residual(seed, blocks=2)) for seed in SEEDS}
    for figures in prove_depths(graphs):
        assert figures.stopped == sum(depth > 0 for depth in figures.safe) > 0
        assert figures.safe_interval >= figures.interval


def test_a_depth_that_is_not_the_least_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(graph):
        found = deadlock.fifo_depths(graph)
        return replace(found, fifos=tuple(replace(fifo, safe=fifo.safe + 2) for fifo in found.fifos))

    monkeypatch.setattr(depth_proof, "fifo_depths", generous)
    with pytest.raises(CheckFailedError, match=r"network net12_1: goes on with one beat less"):
        prove_depths({"net12": random_graph(12, draw_residual(12, blocks=2))})
