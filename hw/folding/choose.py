"""The least PE and SIMD with which each matrix-vector node keeps to a target interval, and the lanes of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from xnorflow.hw.estimate.primitives import BLOCK_PRICE
from xnorflow.hw.folding.cycles import interval
from xnorflow.hw.folding.finn_json import divisors
from xnorflow.hw.nodes import (
    Add,
    Affine,
    ArgMax,
    ChannelGate,
    Concat,
    Fork,
    GlobalSum,
    MaxPool,
    Multiply,
    Pad,
    SlidingWindow,
    SumPool,
    Table,
    Threshold,
)
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, HardwareNode, StreamType

Laned = Add | Affine | ArgMax | ChannelGate | Concat | Fork | GlobalSum | MaxPool | Multiply | Pad | SlidingWindow | SumPool | Table | Threshold


def matvec_candidates(graph: Graph, node: MatVec) -> list[tuple[int, int, int]]:
    """``(interval, PE, SIMD)`` of every useful folding of one matrix-vector node.

    Behind a SlidingWindow, SIMD divides the channels C of a pixel or is C times a divisor of the taps.
    """
    (kind,) = graph.types_of(node)
    pixels = kind.size // kind.channels
    columns = divisors(node.mw)
    source = graph.producer(node.inputs[0])
    if isinstance(source, SlidingWindow):
        channels = graph.types_of(source)[0].channels
        columns = tuple(d for d in columns if channels % d == 0 or d % channels == 0)
    return [(pixels * (node.mh // pe) * (node.mw // simd), pe, simd) for pe in divisors(node.mh) for simd in columns]


def choose_matvec(graph: Graph, node: MatVec, target: int) -> tuple[int, int] | None:
    """The cheapest PE and SIMD whose interval is at most ``target``; None where there is none."""
    x_bits = graph.types_of(node)[0].dtype.bits
    acc = graph.streams[node.outputs[0]].dtype.bits

    def cost(pe: int, simd: int) -> float:
        need = replace(node, pe=pe, simd=simd).resources_at(x_bits, acc)
        return need.lut + need.ff / 2 + BLOCK_PRICE * (need.bram18 + need.dsp) + simd * x_bits

    fitting = [(pe, simd) for cycles, pe, simd in matvec_candidates(graph, node) if cycles <= target]
    return min(fitting, key=lambda pair: (cost(*pair), pair), default=None)


def lane_candidates(node: Laned, ins: tuple[StreamType, ...], target: int) -> list[int]:
    """Lanes at which a node's interval is at most ``target``, ascending; empty where none is."""
    kind = ins[0]
    channels = kind.channels // node.taps if isinstance(node, MaxPool | SumPool) else kind.channels
    return [lanes for lanes in divisors(channels) if interval(_with_lanes(node, lanes), ins) <= target]


def choose_lanes(node: Laned, candidates: list[int], before: int, after: HardwareNode | None) -> int:
    """Lanes of a node: as the node in front of it where that is fast enough, else as few as keep up.

    A SlidingWindow looks at the matrix-vector node behind it, whose SIMD is fixed by then.
    """
    if isinstance(node, SlidingWindow) and after is not None:
        wanted = after.in_lanes
        if wanted in candidates:
            return wanted
    return before if before in candidates else candidates[0]


def _with_lanes(node: Laned, lanes: int) -> Laned:
    return replace(node, lanes=lanes)
