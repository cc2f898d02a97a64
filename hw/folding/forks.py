"""Forks where a stream has several readers; in the dataflow graph any number may read it, in hardware one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xnorflow.hw.lowering.rewrite import fresh
from xnorflow.hw.nodes import Fork

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node


def insert_forks(graph: Graph) -> Graph:
    """Put a Fork behind every stream that is read more than once; the readers take its outputs in their order."""
    uses = [stream for node in graph.nodes for stream in node.inputs]
    shared = {stream: uses.count(stream) for stream in graph.streams if uses.count(stream) > 1}
    if not shared:
        return graph
    waiting = {stream: [fresh(graph, f"{stream}_copy{i}") for i in range(count)] for stream, count in shared.items()}
    names = {stream: fresh(graph, f"{stream}_fork") for stream in shared}
    nodes: list[Node] = [_fork(names[stream], stream, waiting[stream]) for stream in graph.inputs if stream in shared]
    for node in graph.nodes:
        nodes.append(replace(node, inputs=tuple(waiting[s].pop(0) if s in shared else s for s in node.inputs)))
        nodes += [_fork(names[stream], stream, waiting[stream]) for stream in node.outputs if stream in shared]
    return graph.with_nodes(nodes)


def _fork(name: str, stream: str, outputs: list[str]) -> Fork:
    return Fork(name=name, inputs=(stream,), outputs=tuple(outputs))
