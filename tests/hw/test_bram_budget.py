"""A budget of block RAMs: kept, or refused by the name of what exceeds it."""

from __future__ import annotations

import pytest

from xnorflow.errors import FoldingError
from xnorflow.hw.bram_budget import check_brams
from xnorflow.hw.fifo_sizing import insert_fifos
from xnorflow.hw.folding import FoldingRequest, fold
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.nodes import ChannelGate, Fifo


def brams(graph):
    return {node.name: node.resources(graph.types_of(node)).bram18 for node in hardware_nodes(graph)}


def test_a_frame_that_waits_for_its_gate_lies_in_block_ram_and_exceeds_a_small_budget(networks) -> None:
    graph, _ = insert_fifos(fold(networks.squeezed(size=24, channels=8), FoldingRequest(fps=1e8 / 6000)))
    (gate,) = (node for node in graph.nodes if isinstance(node, ChannelGate))
    fifo = graph.producer(gate.inputs[0])
    assert isinstance(fifo, Fifo)
    assert fifo.depth * fifo.lanes > 24 * 24 * 8 - 32
    assert fifo.cell(graph.types_of(fifo)).parameters["Block"] == 1
    count, total = brams(graph)[fifo.name], sum(brams(graph).values())
    assert count == 3  # 24 x 24 x 8 beats of 7 bits, in memories of 2,048 x 9
    check_brams(graph, total)
    size = f"{count} of them in {fifo.name}, where the frame of gate gate waits \\({fifo.depth} beats of {7 * fifo.lanes} bits\\); raise the budget"
    with pytest.raises(FoldingError, match=f"^budget of {total - 1} BRAM18 is exceeded: this folding takes about {total}, {size}"):
        check_brams(graph, total - 1)


def test_without_a_gate_the_largest_node_is_named(networks) -> None:
    graph, _ = insert_fifos(fold(networks.mlp((784, 64, 10), (28, 28, 1)), FoldingRequest()))
    total = sum(brams(graph).values())
    assert total > 0
    with pytest.raises(FoldingError, match=f"^budget of 0 BRAM18 is exceeded: this folding takes about {total}, \\d+ of them in node fc0; raise"):
        check_brams(graph, 0)
