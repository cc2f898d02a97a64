"""Puts the signs behind a binary product into its cell, which stores them as start values of the accumulators; and takes them out again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.lowering.rewrite import fresh, rewrite_pairs
from xnorflow.hw.nodes import Threshold, XnorMatVec
from xnorflow.hw.types import BIPOLAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.graph import Graph, Node


def fuse_signs(graph: Graph) -> Graph:
    """The same function; each XnorMatVec takes in the Threshold of one level to BIPOLAR, without negated channels, that alone reads it."""
    return rewrite_pairs(graph, _fused)


def _fused(_: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    if not isinstance(first, XnorMatVec) or first.thresholds is not None or not isinstance(second, Threshold):
        return None
    if not second.out_type.bipolar or (second.levels, second.base, second.step) != (1, -1, 2) or np.any(second.negate):
        return None
    return (replace(first, outputs=second.outputs, thresholds=second.thresholds[:, 0]),)


def split_signs(graph: Graph) -> Graph:
    """The same function with every sign in a Threshold of its own, its lanes those of the product; all streams of the graph are still there."""
    nodes: list[Node] = []
    for node in graph.nodes:
        if isinstance(node, XnorMatVec) and node.thresholds is not None:
            sums = fresh(graph, f"{node.name}_sums")
            nodes.append(replace(node, outputs=(sums,), thresholds=None))
            nodes.append(
                Threshold(
                    name=fresh(graph, f"{node.name}_sign"),
                    inputs=(sums,),
                    outputs=node.outputs,
                    thresholds=node.thresholds[:, None],
                    negate=np.zeros(node.mh, dtype=np.bool_),
                    base=-1,
                    step=2,
                    out_type=BIPOLAR,
                    lanes=node.pe,
                )
            )
        else:
            nodes.append(node)
    return graph.with_nodes(nodes)
