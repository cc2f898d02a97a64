"""From a request to a folded graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.hw.folding.apply import fold_by_layers, fold_to_budget, fold_to_interval
from xnorflow.hw.folding.flatten_first import flatten_first
from xnorflow.hw.folding.forks import insert_forks
from xnorflow.hw.folding.fuse_signs import fuse_signs
from xnorflow.hw.folding.hardware import hardware_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnorflow.hw.folding.request import FoldingRequest
    from xnorflow.hw.graph import Graph


def fold(graph: Graph, request: FoldingRequest) -> Graph:
    """Choose PE, SIMD and lanes of every node and insert width converters.

    Args:
        graph: an unfolded graph.
        request: what is asked.

    Returns:
        The same function with every lane count set, a Fork behind every stream of several readers; FIFOs come later, from the schedule.

    Raises:
        FoldingError: a PE or SIMD does not divide, or no folding reaches the target.
        UnsupportedModelError: the graph has not one input and one output, or a stream that nothing reads.
    """
    return next(foldings(graph, request))


def foldings(graph: Graph, request: FoldingRequest) -> Iterator[Graph]:
    """The folding that answers a request; for a budget of LUTs also slower ones, in case FIFOs exceed it.

    Raises:
        FoldingError: a PE or SIMD does not divide, no folding reaches the target, or none is left.
        UnsupportedModelError: the graph has not one input and one output, or a stream that nothing reads.
    """
    graph = ready(graph)
    if request.seeks_fastest:
        yield from fold_to_budget(graph, request.budget)
    elif request.target_interval is not None:
        yield fold_to_interval(graph, request.target_interval, request.budget, request.clock_mhz)
    else:
        yield fold_by_layers(graph, request.layers or {}, request.budget)


def ready(graph: Graph) -> Graph:
    """An unfolded graph as it is folded: with its forks, Flattens where several pixels may pass in one beat, and signs in the products' cells.

    Raises:
        UnsupportedModelError: the graph has not one input and one output, or a stream that nothing reads.
    """
    graph = insert_forks(graph)
    hardware_nodes(graph)
    return fuse_signs(flatten_first(graph))
