"""What a folding can choose at each cell: PE and SIMD of the matrix-vector nodes, the lanes of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xnorflow.hw.folding.finn_json import divisors
from xnorflow.hw.nodes import MaxPool, SlidingWindow, SumPool

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, HardwareNode
    from xnorflow.hw.nodes.mat_vec import MatVec


def matvec_domains(graph: Graph, node: MatVec) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """SIMD and PE of every useful folding of one matrix-vector node, ascending.

    Behind a SlidingWindow, SIMD divides the channels C of a pixel or is C times a divisor of the taps.
    """
    columns = divisors(node.mw)
    source = graph.producer(node.inputs[0])
    if isinstance(source, SlidingWindow):
        channels = graph.types_of(source)[0].channels
        columns = tuple(d for d in columns if channels % d == 0 or d % channels == 0)
    return columns, divisors(node.mh)


def lane_domain(graph: Graph, node: HardwareNode) -> tuple[int, ...]:
    """Lanes that another cell can have, ascending: divisors of the channels of a pixel."""
    channels = graph.types_of(node)[0].channels
    return divisors(channels // node.taps if isinstance(node, MaxPool | SumPool) else channels)


def with_lanes(node: HardwareNode, lanes: int) -> HardwareNode:
    """Another cell than a matrix-vector node, with its lanes chosen."""
    chosen: dict[str, Any] = {"lanes": lanes}  # a field of each such node, which their common base does not have
    return replace(node, **chosen)
