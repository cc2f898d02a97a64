"""Pass lower_pools: a Pool of integers becomes Pad, SlidingWindow and MaxPool."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.lowering.float_nodes import Pool, is_float, pad_node
from xnorflow.hw.lowering.rewrite import fresh
from xnorflow.hw.nodes import MaxPool

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node


def lower_pools(graph: Graph) -> Graph:
    """Pad with the type's least value, which never wins, then take the greatest of each window."""
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node, Pool) and not is_float(graph.streams[node.inputs[0]]):
            nodes += _lowered(graph, node)
        else:
            nodes.append(node)
    return graph.with_nodes(nodes)


def _lowered(graph: Graph, pool: Pool) -> list[Node]:
    kind, stream = graph.streams[pool.inputs[0]], pool.inputs[0]
    nodes: list[Node] = []
    if any(pool.pads):
        least = np.full(kind.channels, kind.dtype.minimum, dtype=np.int64)
        nodes.append(pad_node(fresh(graph, f"{pool.name}_pad"), stream, fresh(graph, f"{pool.name}_padded"), pool.pads, least))
        stream = nodes[-1].outputs[0]
    name, windows = fresh(graph, f"{pool.name}_window"), fresh(graph, f"{pool.name}_windows")
    taps = pool.kernel[0] * pool.kernel[1]
    nodes.append(replace(pool.window(), name=name, inputs=(stream,), outputs=(windows,) if taps > 1 else pool.outputs))
    if taps == 1:
        return nodes
    nodes.append(MaxPool(name=pool.name, inputs=(windows,), outputs=pool.outputs, taps=taps))
    return nodes
