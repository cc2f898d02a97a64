"""The label instead of logits: ArgMax on the integer output, where the host's tail keeps the order of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.graph import Graph
from xnorflow.hw.lowering.float_nodes import Pointwise, is_float
from xnorflow.hw.lowering.reach import reachable
from xnorflow.hw.lowering.rewrite import fresh, rewrite_pairs
from xnorflow.hw.nodes import ArgMax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.chain import FloatChain
    from xnorflow.hw.graph import Node

_LARGEST_RANGE = 1 << 24


def add_argmax(graph: Graph, tail: FloatChain) -> Graph:
    """Append an ArgMax to the integer output.

    Raises:
        UnsupportedModelError: the tail is not one strictly increasing function of all channels.
    """
    (stream,) = graph.outputs
    check_order(graph, stream, tail, "the network's output")
    node = ArgMax(name=fresh(graph, "argmax"), inputs=(stream,), outputs=(fresh(graph, "label"),))
    return Graph(graph.inputs, (*graph.nodes, node), node.outputs)


def lower_argmax(graph: Graph) -> Graph:
    """Let an ArgMax of the file read integers.

    Raises:
        UnsupportedModelError: what stands between is not one strictly increasing function of all channels.
    """
    return rewrite_pairs(graph, _lower)


def _lower(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    if not isinstance(first, Pointwise) or not isinstance(second, ArgMax) or is_float(graph.streams[first.inputs[0]]):
        return None
    check_order(graph, first.inputs[0], first.chain, f"node {second.name}")
    return (ArgMax(name=second.name, inputs=first.inputs, outputs=second.outputs),)


def check_order(graph: Graph, stream: str, chain: FloatChain, where: str) -> None:
    """Check that a chain is the same strictly increasing function for all channels, by evaluating all it can get."""
    low, high = reachable(graph, stream)
    start, stop = int(low.min()), int(high.max())
    same = all(np.all(c == c[0]) for step in chain.steps for c in step.operands)
    if same and stop - start < _LARGEST_RANGE:
        one = chain.map_operands(lambda c: c[:1])
        if np.all(np.diff(one.apply(np.arange(start, stop + 1, dtype=np.int64)[:, None])[:, 0]) > 0):
            return
    words = ", ".join(s.kind.value for s in chain.steps)
    text = f"its label cannot be taken from integers, because the classes' float operations ({words}) differ or do not keep the order"
    raise UnsupportedModelError(f"{where}: {text}; keep logits as the head, or end the network in one scale for all classes")
