"""Sums of two tensors on one grid become an Add of their integers, the grid's step a multiplication behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering.float_nodes import Pointwise, Sum, is_float
from xnorflow.hw.lowering.reach import reachable
from xnorflow.hw.lowering.rewrite import fresh
from xnorflow.hw.nodes import Add
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node

_ACCEPTED = "integers times one power of two in both operands are accepted (integerise makes residual networks so)"
_EXACT = 1 << 24


def lower_sums(graph: Graph) -> Graph:
    """Replace every Sum whose operands are scaled integers; the graph itself where there is none.

    Raises:
        UnsupportedModelError: the operands' scales differ or are no powers of two, or float32 would round the sum.
    """
    for node in graph.nodes:
        if isinstance(node, Sum):
            new = _lowered(graph, node)
            graph = graph if new is None else graph.with_nodes(n for old in graph.nodes for n in (new if old is node else (old,)))
    return graph


def refuse_sums(graph: Graph) -> None:
    """Refuse what :func:`lower_sums` had to leave.

    Raises:
        UnsupportedModelError: a Sum of float values; names the node.
    """
    for node in graph.nodes:
        if isinstance(node, Sum):
            words = [_words(graph, stream) for stream in node.inputs]
            raise UnsupportedModelError(f"node {node.name}: adds {words[0]} and {words[1]}, a residual in floating point; {_ACCEPTED}")


def _words(graph: Graph, stream: str) -> str:
    source = graph.producer(stream)
    if not isinstance(source, Pointwise):
        return "what is no scaled integer"
    return (
        " then ".join(s.kind.value + (" per channel" if any(len(c) > 1 for c in s.operands) else "") for s in source.chain.steps) or "plain integers"
    )


def _lowered(graph: Graph, node: Sum) -> tuple[Node, Node] | None:
    left, right = (_operand(graph, stream) for stream in node.inputs)
    if left is None or right is None:
        return None
    (a, first), (b, second) = left, right
    if first != second or np.frexp(first)[0] != 0.5:
        raise UnsupportedModelError(f"node {node.name}: adds tensors of scales {first:g} and {second:g}; {_ACCEPTED}")
    lows, highs = zip(reachable(graph, a), reachable(graph, b), strict=True)
    low, high = int((lows[0] + lows[1]).min()), int((highs[0] + highs[1]).max())
    if max(-low, high) > _EXACT:
        raise UnsupportedModelError(f"node {node.name}: sums of {low} to {high}; float32 holds up to {_EXACT} exactly")
    sums = fresh(graph, f"{node.name}_sums")
    add = Add(name=node.name, inputs=(a, b), outputs=(sums,), out_type=IntType.containing(low, high))
    chain = FloatChain((FloatStep.of(StepKind.MUL, first),))
    return add, Pointwise(name=fresh(graph, f"{node.name}_scale"), inputs=(sums,), outputs=node.outputs, chain=chain)


def _operand(graph: Graph, stream: str) -> tuple[str, float] | None:
    """The integer stream behind a float one, and what it is multiplied by; None where there is no single such factor."""
    source = graph.producer(stream)
    if not isinstance(source, Pointwise) or is_float(graph.streams[source.inputs[0]]):
        return None
    step = np.float32(1)
    for each in source.chain.steps:
        if each.kind is not StepKind.MUL or np.any(each.operands[0] != each.operands[0][0]):
            return None
        step = np.float32(step * each.operands[0][0])
    return source.inputs[0], float(step)
