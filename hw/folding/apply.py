"""From a target or a record to a folded graph with its width converters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xnorflow.errors import FoldingError
from xnorflow.hw.folding.choose import with_lanes
from xnorflow.hw.folding.finn_json import parse_folding
from xnorflow.hw.folding.request import DEFAULT_CLOCK_MHZ
from xnorflow.hw.folding.solve import UNLIMITED, fastest_within, over_budget, solve
from xnorflow.hw.folding.space import Space
from xnorflow.hw.folding.widths import insert_width_converters
from xnorflow.hw.graph import HardwareNode
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xnorflow.hw.folding.solve import Budget
    from xnorflow.hw.graph import Graph, Node


def fold_by_layers(graph: Graph, record: Mapping[str, Any], budget: Budget = UNLIMITED) -> Graph:
    """The folding that FINN's record asks for; the other nodes keep up with the slowest matrix-vector node.

    Raises:
        FoldingError: an unknown layer, a PE or SIMD that does not divide, or more than the budget.
    """
    chosen = {name: (simd, pe) for name, (pe, simd) in parse_folding(graph, record).items()}
    space = Space.of(graph, fixed=chosen)
    return _cheapest(space, space.fastest()[0], budget)


def fold_to_interval(graph: Graph, target: int, budget: Budget = UNLIMITED, clock_mhz: float = DEFAULT_CLOCK_MHZ) -> Graph:
    """The cheapest folding whose every node needs at most ``target`` cycles a frame.

    Raises:
        FoldingError: some node cannot; the message names the slowest and the greatest reachable rate. Or it takes more than the budget.
    """
    space = Space.of(graph)
    reachable, limit = space.fastest()
    if target < reachable:
        raise FoldingError(
            f"target of {clock_mhz * 1e6 / max(target, 1):.6g} fps at {clock_mhz:g} MHz needs {target} cycles a frame; "
            f"node {limit} takes at least {reachable}, so at most {clock_mhz * 1e6 / reachable:.6g} fps are reachable"
        )
    return _cheapest(space, target, budget)


def fold_to_budget(graph: Graph, budget: Budget) -> Iterator[Graph]:
    """Foldings whose estimate, FIFOs not counted, stays within a budget: the fastest first, then ever slower ones.

    Raises:
        FoldingError: even the smallest folding is over the budget; the message names its largest node.
    """
    space = Space.of(graph)
    for choice in fastest_within(space, budget):
        yield with_choice(space, choice)


def _cheapest(space: Space, interval: int, budget: Budget) -> Graph:
    choice = solve(space, interval, budget)
    if choice is None:
        raise FoldingError(over_budget(space, interval, budget))
    return with_choice(space, choice)


def with_choice(space: Space, choice: tuple[int, ...]) -> Graph:
    """The graph folded as chosen, with its width converters."""
    lanes = space.lanes(choice)
    return insert_width_converters(space.graph.with_nodes(_folded(node, lanes) for node in space.graph.nodes))


def _folded(node: Node, lanes: Mapping[str, tuple[int, ...]]) -> Node:
    if isinstance(node, MatVec):
        simd, pe = lanes[node.name]
        return replace(node, simd=simd, pe=pe)
    return with_lanes(node, lanes[node.name][0]) if isinstance(node, HardwareNode) else node
