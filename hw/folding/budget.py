"""The fastest folding that an area allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import FoldingError
from xnorflow.hw.folding.apply import fastest, fold_to_interval
from xnorflow.hw.folding.choose import matvec_candidates
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnorflow.hw.graph import Graph


def within_budget(graph: Graph, max_luts: int) -> Iterator[Graph]:
    """Foldings whose estimated LUTs, FIFOs not counted, stay within a budget: the fastest first, then ever slower ones.

    Raises:
        FoldingError: even the smallest folding is over the budget; the message names its largest node.
    """
    intervals = candidate_intervals(graph)
    low, high = 0, len(intervals) - 1
    while low < high:
        middle = (low + high) // 2
        if estimated_luts(fold_to_interval(graph, intervals[middle])) <= max_luts:
            high = middle
        else:
            low = middle + 1
    for cycles in intervals[low:]:
        folded = fold_to_interval(graph, cycles)
        if estimated_luts(folded) <= max_luts:
            yield folded
    smallest = fold_to_interval(graph, intervals[-1])
    largest = max(hardware_nodes(smallest), key=lambda node: node.resources(smallest.types_of(node)).lut)
    raise FoldingError(
        f"target of {max_luts} LUTs is out of reach: the smallest folding takes about {estimated_luts(smallest):.0f}, "
        f"the largest share in node {largest.name}"
    )


def candidate_intervals(graph: Graph) -> list[int]:
    """Every interval at which some matrix-vector node can be folded and all nodes can keep up, ascending."""
    least, _ = fastest(graph)
    found = {cycles for node in graph.nodes if isinstance(node, MatVec) for cycles, _, _ in matvec_candidates(graph, node)}
    return [least, *sorted(cycles for cycles in found if cycles > least)]


def estimated_luts(graph: Graph) -> float:
    """Estimated LUTs of a folded graph."""
    return sum(node.resources(graph.types_of(node)).lut for node in hardware_nodes(graph))
