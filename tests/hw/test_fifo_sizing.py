from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xnorflow.errors import FoldingError
from xnorflow.hw.fifo_sizing import CellNetwork, graph_schedule, insert_fifos
from xnorflow.hw.folding import FoldingRequest, fold
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.graph import Graph
from xnorflow.hw.interpreter import execute
from xnorflow.hw.nodes import Fifo
from xnorflow.hw.schedule import Schedule

FOLDINGS = [
    FoldingRequest(),
    FoldingRequest(fps=1e8 / 400),
    FoldingRequest(fps=1e8 / 2000),
    FoldingRequest(layers={"conv0": {"PE": 2, "SIMD": 9}, "conv1": {"PE": 6, "SIMD": 12}, "fc": {"PE": 5, "SIMD": 27}}),
    FoldingRequest(layers={"conv0": {"PE": 4, "SIMD": 27}, "conv1": {"PE": 3, "SIMD": 8}, "fc": {"PE": 1, "SIMD": 4}}),
    FoldingRequest(layers={"conv0": {"PE": 8, "SIMD": 27}, "conv1": {"PE": 12, "SIMD": 72}, "fc": {"PE": 10, "SIMD": 108}}),
]

RESIDUAL_FOLDINGS = [
    FoldingRequest(),
    FoldingRequest(fps=1e8 / 600),
    FoldingRequest(layers={"one_conv": {"PE": 2, "SIMD": 9}, "two_conv": {"PE": 8, "SIMD": 36}, "stem": {"PE": 1, "SIMD": 3}}),
]


def slowest(graph: Graph) -> int:
    return max(node.timing(graph.types_of(node)).interval for node in hardware_nodes(graph))


def interval(graph: Graph) -> int:
    return graph_schedule(graph).interval


@pytest.mark.parametrize("request_", FOLDINGS)
def test_the_network_runs_at_the_interval_of_its_slowest_cell(networks, request_: FoldingRequest) -> None:
    folded = fold(networks.cnn(), request_)
    sized, schedule = insert_fifos(folded)
    assert schedule.period == 1
    assert schedule.interval == slowest(folded) == interval(sized)


def test_fifos_are_only_where_they_are_needed_and_no_deeper(networks) -> None:
    sized, schedule = insert_fifos(fold(networks.cnn(), FOLDINGS[3]))
    fifos = [node for node in sized.nodes if isinstance(node, Fifo)]
    assert fifos
    for fifo in fifos:
        if fifo.depth > 2:
            shallower = replace(fifo, depth=fifo.depth - 1)
            assert interval(sized.with_nodes(shallower if node is fifo else node for node in sized.nodes)) > schedule.interval


def test_a_network_that_needs_no_fifo_gets_none(networks) -> None:
    folded = fold(networks.mlp(), FoldingRequest())
    assert [node.name for node in insert_fifos(folded)[0].nodes] == [node.name for node in folded.nodes]


@pytest.mark.parametrize("request_", RESIDUAL_FOLDINGS)
def test_branches_that_meet_run_at_the_interval_of_the_slowest_cell(networks, request_: FoldingRequest) -> None:
    folded = fold(networks.residual(), request_)
    _, schedule = insert_fifos(folded)
    assert (schedule.period, schedule.interval) == (1, slowest(folded))


@pytest.mark.parametrize("request_", RESIDUAL_FOLDINGS)
def test_huge_networks_keep_the_interval_with_few_simulations(networks, monkeypatch, request_: FoldingRequest) -> None:
    monkeypatch.setattr("xnorflow.hw.fifo_sizing._HUGE", 0)
    runs: list[Schedule] = []
    simulate = CellNetwork.run
    monkeypatch.setattr(CellNetwork, "run", lambda self, *given: runs.append(simulate(self, *given)) or runs[-1])
    folded = fold(networks.residual(), request_)
    sized, schedule = insert_fifos(folded)
    assert (schedule.period, schedule.interval) == (1, slowest(folded))
    assert len(runs) <= 4
    assert interval(sized) == schedule.interval


def test_a_skip_carries_a_fifo_and_a_shallower_one_is_too_slow_or_waits_for_ever(networks) -> None:
    sized, schedule = insert_fifos(fold(networks.residual(), FoldingRequest()))
    fifos = [node for node in sized.nodes if isinstance(node, Fifo)]
    assert [fifo.inputs for fifo in fifos] == [("norm_out_copy1",)]
    for fifo in fifos:
        shallower = replace(fifo, depth=fifo.depth - 1)
        tried = sized.with_nodes(shallower if node is fifo else node for node in sized.nodes)
        with pytest.raises(FoldingError, match="for ever"):
            interval(tried)
    assert interval(sized) == schedule.interval


def test_fifos_do_not_change_the_function(networks) -> None:
    graph = networks.cnn()
    images = np.random.default_rng(2).integers(0, 256, (2, 8, 8, 3))
    sized, _ = insert_fifos(fold(graph, FOLDINGS[3]))
    (out,) = sized.outputs
    assert np.array_equal(execute(sized, {"pixels": images})[out], execute(graph, {"pixels": images})["fc_out"])
