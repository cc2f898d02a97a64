"""From a folded graph back to the one that folding began with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xnorflow.hw.folding.choose import with_lanes
from xnorflow.hw.graph import HardwareNode
from xnorflow.hw.nodes import Fifo, WidthConverter
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node


def unfold(graph: Graph) -> Graph:
    """The same graph without width converters and FIFOs, with no lanes chosen; its forks stay."""
    source: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(source.get(stream, stream) for stream in node.inputs)
        if isinstance(node, Fifo | WidthConverter):
            source[node.outputs[0]] = inputs[0]
        else:
            nodes.append(_without_lanes(replace(node, inputs=inputs)))
    outputs = tuple(source.get(stream, stream) for stream in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs, inferred=None)


def _without_lanes(node: Node) -> Node:
    if isinstance(node, MatVec):
        return replace(node, pe=0, simd=0)
    return with_lanes(node, 0) if isinstance(node, HardwareNode) else node
