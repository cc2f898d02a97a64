"""The initiation interval of one node at a folding, in closed form; equals ``Timing.interval`` (tested)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from xnorflow.hw.graph import HardwareNode, StreamType


def interval(node: HardwareNode, kind: StreamType, out: StreamType) -> int:
    """Cycles a frame of a folded node when neither side stalls.

    Args:
        node: the node.
        kind: type of its first input.
        out: type of its first output.
    """
    if isinstance(node, MatVec):
        return kind.size // kind.channels * (node.mh // node.pe) * (node.mw // node.simd)
    return max(kind.size // node.in_lanes, out.size // node.out_lanes)
