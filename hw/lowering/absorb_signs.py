"""Pass absorb_signs: a decreasing channel's sign goes into the weights, so that no hardware negates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.lowering.rewrite import rewrite_pairs
from xnorflow.hw.nodes import Threshold
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.types import IntArray


def absorb_signs(graph: Graph) -> Graph:
    """Negate the weights (and border words) of each negated Threshold channel whose MatVec feeds it directly."""
    return rewrite_pairs(graph, _absorb)


def _absorb(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    if not isinstance(first, MatVec) or not isinstance(second, Threshold) or not np.any(second.negate):
        return None
    flip = second.negate & np.array([first.weight_type.allows(-row) for row in first.weights])
    if not np.any(flip):
        return None
    sign = np.where(flip, -1, 1)
    border = None if first.border is None else replace(first.border, table=first.border.table * sign)
    matrix = replace(first, weights=first.weights * sign[:, None], border=border)
    kind = matrix.infer(graph.types_of(first))[0].dtype
    negate = second.negate & ~flip
    low = np.where(negate, -kind.maximum, kind.minimum)[:, None]
    high = np.where(negate, -kind.minimum, kind.maximum)[:, None]
    return matrix, replace(second, negate=negate, thresholds=_clamped(second, graph, low, high))


def _clamped(node: Threshold, graph: Graph, low: IntArray, high: IntArray) -> IntArray:
    """Thresholds in the new accumulator's range: an end of the old range stays an end."""
    kind = graph.streams[node.inputs[0]].dtype
    old_low = np.where(node.negate, -kind.maximum, kind.minimum)[:, None]
    old_high = np.where(node.negate, -kind.minimum, kind.maximum)[:, None]
    clipped = np.clip(node.thresholds, low, high + 1)
    return np.where(node.thresholds <= old_low, low, np.where(node.thresholds > old_high, high + 1, clipped))
