"""Pass hoist_quantisers: quantise before moving elements or pooling, so that those work on few bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.lowering.float_nodes import Border, Pool, Quantise, pad_node
from xnorflow.hw.lowering.fuse_pointwise import fuse
from xnorflow.hw.lowering.rewrite import rewrite_pairs, swap
from xnorflow.hw.nodes import Flatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.graph import Graph, Node


def hoist_quantisers(graph: Graph) -> Graph:
    """Move each Quantise in front of a Flatten, a Border, or a Pool; over a Pool only where it is non-decreasing.

    ``q(max(x)) = max(q(x))`` for a non-decreasing q. A border becomes the code of the border's value.
    """
    return rewrite_pairs(graph, fuse, _hoist)


def _hoist(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    if not isinstance(second, Quantise):
        return None
    if isinstance(first, Flatten) and second.chain.channels == 1:
        return swap(graph, first, second)
    if isinstance(first, Pool) and np.all(second.chain.directions() == 1):
        return swap(graph, first, second)
    if isinstance(first, Border):
        quantise, border = swap(graph, first, second)
        channels = graph.streams[first.inputs[0]].channels
        value = second.codes(np.full((channels,), first.value, dtype=np.float32))
        return quantise, pad_node(first.name, border.inputs[0], border.outputs[0], first.pads, value)
    return None
