"""How passes rewrite a graph: rules on a producer and its only consumer, applied until none fits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xnorflow.hw.graph import Graph, Node

    Rule = Callable[[Graph, Node, Node], Sequence[Node] | None]


def rewrite_pairs(graph: Graph, *rules: Rule) -> Graph:
    """Apply rules to pairs of nodes until none fits.

    A rule gets the graph, a node, and the node that alone reads its only output; it returns the nodes that take the place
    of both (the last of them makes the consumer's stream), or None.
    """
    changed = True
    while changed:
        changed = False
        for second in graph.nodes:
            new = _first_match(graph, second, rules)
            if new is not None:
                first = graph.producer(second.inputs[0])
                graph = graph.with_nodes(n for old in graph.nodes for n in (() if old is first else new if old is second else (old,)))
                changed = True
                break
    return graph


def _first_match(graph: Graph, second: Node, rules: tuple[Rule, ...]) -> Sequence[Node] | None:
    first = graph.producer(second.inputs[0])
    if first is None or len(graph.consumers(second.inputs[0])) != 1 or second.inputs[0] in graph.outputs:
        return None
    return next((new for rule in rules if (new := rule(graph, first, second)) is not None), None)


def fresh(graph: Graph, wanted: str) -> str:
    """A name that no node and no stream of the graph has."""
    taken = {n.name.lower() for n in graph.nodes} | {s.lower() for s in graph.streams}
    name, count = wanted, 1
    while name.lower() in taken:
        count += 1
        name = f"{wanted}_{count}"
    return name


def swap(graph: Graph, first: Node, second: Node) -> tuple[Node, Node]:
    """The two nodes in the other order; the stream between them gets a new name."""
    middle = fresh(graph, f"{second.name}_out")
    return replace(second, inputs=first.inputs, outputs=(middle,)), replace(first, inputs=(middle,), outputs=second.outputs)
