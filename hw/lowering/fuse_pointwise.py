"""Pass fuse_pointwise: float32 steps that follow each other become one chain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xnorflow.hw.lowering.float_nodes import Pointwise, Quantise
from xnorflow.hw.lowering.rewrite import rewrite_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.graph import Graph, Node


def fuse_pointwise(graph: Graph) -> Graph:
    """Merge each Pointwise into the Pointwise or Quantise that alone reads it; the steps stay one rounding each."""
    return rewrite_pairs(graph, fuse)


def fuse(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    """The rule: Pointwise, then Pointwise or Quantise, is one node."""
    if isinstance(first, Pointwise) and isinstance(second, (Pointwise, Quantise)):
        return (replace(second, inputs=first.inputs, chain=first.chain.then(second.chain)),)
    return None
