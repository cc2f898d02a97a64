"""The initiation interval of one node at a folding, in closed form; equals ``Timing.interval`` (tested)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from xnorflow.hw.graph import HardwareNode, StreamType


def interval(node: HardwareNode, ins: tuple[StreamType, ...]) -> int:
    """Cycles a frame of a folded node when neither side stalls."""
    kind = ins[0]
    if isinstance(node, MatVec):
        return kind.size // kind.channels * (node.mh // node.pe) * (node.mw // node.simd)
    out = node.infer(ins)[0]
    return max(kind.size // node.in_lanes, out.size // node.out_lanes)
