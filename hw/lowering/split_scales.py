"""Pass split_scales: where a scaled stream branches, each reader gets a scale of its own, so that integers branch."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from xnorflow.hw.lowering.float_nodes import Pointwise
from xnorflow.hw.lowering.rewrite import fresh, rewrite_pairs

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.lowering.rewrite import Rule


def split_scales(graph: Graph) -> Graph:
    """Copy each Pointwise for all but the first of its readers, and drop those that nothing reads."""
    changed = _split_one(graph)
    while changed is not graph:
        graph, changed = changed, _split_one(changed)
    return graph


def settle(graph: Graph, *rules: Rule) -> Graph:
    """Apply rules to pairs of nodes, and split what branches, until neither changes anything."""
    while True:
        changed = split_scales(rewrite_pairs(graph, *rules))
        if changed is graph:
            return graph
        graph = changed


def _split_one(graph: Graph) -> Graph:
    """The graph with one Pointwise split or dropped; itself where none is to be."""
    uses = Counter(stream for node in graph.nodes for stream in node.inputs)
    uses.update(graph.outputs)
    node = next((n for n in graph.nodes if isinstance(n, Pointwise) and uses[n.outputs[0]] != 1), None)
    if node is None:
        return graph
    (stream,) = node.outputs
    if uses[stream] == 0:
        return graph.with_nodes(n for n in graph.nodes if n is not node)
    copy = replace(node, name=fresh(graph, f"{node.name}_copy"), outputs=(fresh(graph, f"{stream}_copy"),))
    last = next(n for n in reversed(graph.nodes) if stream in n.inputs)
    turned = replace(last, inputs=_last_replaced(last.inputs, stream, copy.outputs[0]))
    nodes: list[Node] = [n for old in graph.nodes for n in ((old, copy) if old is node else (turned,) if old is last else (old,))]
    return graph.with_nodes(nodes)


def _last_replaced(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    at = len(names) - 1 - names[::-1].index(old)
    return (*names[:at], new, *names[at + 1 :])
