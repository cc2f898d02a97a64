"""The smallest safe FIFO depths: no FIFO can hold one beat less, whatever the cycles."""

from __future__ import annotations

import json

import pytest

from xnorflow.errors import FoldingError
from xnorflow.hw.deadlock import fifo_depths, one_less, with_depths, without_fifos
from xnorflow.hw.fifo_sizing import graph_schedule, insert_fifos
from xnorflow.hw.folding import FoldingRequest, fold
from xnorflow.hw.nodes import Fifo

FAST = FoldingRequest(layers={"one_conv": {"PE": 2, "SIMD": 9}, "two_conv": {"PE": 8, "SIMD": 36}, "stem": {"PE": 1, "SIMD": 3}})


def sized(networks, folding: FoldingRequest):
    return insert_fifos(fold(networks.residual(), folding))[0]


def depths(graph) -> dict[str, int]:
    return {node.name: node.depth for node in graph.nodes if isinstance(node, Fifo)}


def test_at_the_least_depths_the_schedule_ends_and_with_one_beat_less_it_does_not(networks) -> None:
    graph = sized(networks, FAST)
    found = fifo_depths(graph)
    smallest = {fifo.name: fifo.safe for fifo in found.fifos}
    assert {fifo.name: fifo.depth for fifo in found.fifos} == depths(graph)
    assert any(smallest.values())
    assert all(fifo.safe <= fifo.depth for fifo in found.fifos)
    assert graph_schedule(with_depths(graph, smallest)).interval == found.safe_interval >= found.interval
    for name, depth in smallest.items():
        if depth:
            with pytest.raises(FoldingError, match="for ever"):
                graph_schedule(with_depths(graph, {**smallest, name: one_less(depth)}))


def test_a_network_with_too_shallow_fifos_is_refused(networks) -> None:
    graph = sized(networks, FoldingRequest())
    (name,) = depths(graph)
    with pytest.raises(FoldingError, match="for ever"):
        fifo_depths(with_depths(graph, {name: 2}))


def test_a_chain_is_safe_without_fifos(networks) -> None:
    folding = FoldingRequest(layers={"conv0": {"PE": 2, "SIMD": 9}, "conv1": {"PE": 6, "SIMD": 12}, "fc": {"PE": 5, "SIMD": 27}})
    found = fifo_depths(insert_fifos(fold(networks.cnn(), folding))[0])
    assert found.fifos
    assert {fifo.safe for fifo in found.fifos} == {0}
    assert found.safe_interval > found.interval


def test_fifos_are_named_by_the_cells_they_stand_between_and_can_be_taken_away(networks) -> None:
    graph = sized(networks, FoldingRequest())
    bare, present = without_fifos(graph)
    (fifo,) = fifo_depths(graph).fifos
    assert (fifo.source, fifo.reader) == ("norm_out_fork", "one_add")
    assert list(present.values()) == [fifo.depth]
    assert depths(bare) == {}
    assert depths(with_depths(graph, {})) == depths(graph)
    assert json.loads(json.dumps(fifo_depths(graph).to_json()))["fifos"][0]["safe"] == fifo.safe
