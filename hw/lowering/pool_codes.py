"""Pass pool_codes: pool the thresholds' few bits instead of wide accumulators.

For a non-decreasing threshold T, ``T(max x) = max T(x)``. For a decreasing sign, ``T(max x) = min T(x) = -max(-T(x))``, and
``-T`` is non-decreasing: such a channel is thresholded and pooled with the opposite sign, and the next layer's weights of that
channel change sign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.graph import Node, StreamType
from xnorflow.hw.lowering.float_nodes import Pool
from xnorflow.hw.lowering.rewrite import fresh, rewrite_pairs, swap
from xnorflow.hw.nodes import Flatten, Pad, SlidingWindow, Threshold
from xnorflow.hw.nodes._checks import one_input
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.graph import Graph
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Flip(Node):
    """``out[c] = sign[c] * in[c]``; only within this pass.

    Attributes:
        sign: int64 ``(C,)`` of -1 and +1.
    """

    op = "Flip"
    sign: IntArray

    def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
        return (one_input(self, ins),)

    def execute(self, ins: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
        return (ins[0] * self.sign,)


def pool_codes(graph: Graph) -> Graph:
    """Move each Threshold in front of the Pool it reads, where the next layer can absorb the signs that this needs."""
    return rewrite_pairs(graph, _swap_pool, _sink_flip)


def _swap_pool(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    if not isinstance(first, Pool) or not isinstance(second, Threshold):
        return None
    if not np.any(second.negate):
        return swap(graph, first, second)
    sign = np.where(second.negate, -1, 1)
    if not second.out_type.bipolar or second.levels != 1 or not _absorbs(graph, second.outputs[0], sign):
        return None
    rising = np.where(second.negate[:, None], 1 - second.thresholds, second.thresholds)
    plain = replace(second, thresholds=rising, negate=np.zeros_like(second.negate))
    threshold, pool = swap(graph, first, plain)
    pooled = fresh(graph, f"{first.name}_flipped")
    flip = Flip(name=fresh(graph, f"{first.name}_flip"), inputs=(pooled,), outputs=second.outputs, sign=sign)
    return threshold, replace(pool, outputs=(pooled,)), flip


def _absorbs(graph: Graph, stream: str, sign: IntArray) -> bool:
    """Whether nothing but moves stands between a stream and one layer whose weights can change sign."""
    readers = graph.consumers(stream)
    if len(readers) != 1 or stream in graph.outputs:
        return False
    if isinstance(readers[0], (Flatten, Pad, SlidingWindow)):
        return _absorbs(graph, readers[0].outputs[0], sign)
    reader = readers[0]
    return isinstance(reader, MatVec) and reader.weight_type.allows(-reader.weights)


def _sink_flip(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    if not isinstance(first, Flip):
        return None
    if isinstance(second, Pad):
        return swap(graph, first, replace(second, value=second.value * first.sign))
    if isinstance(second, (Flatten, SlidingWindow)):
        times = graph.streams[second.outputs[0]].channels // len(first.sign)
        return swap(graph, replace(first, sign=np.tile(first.sign, times)), second)
    assert isinstance(second, MatVec), f"{second.name}: nothing else was found to follow"
    return (replace(second, inputs=first.inputs, weights=second.weights * first.sign),)
