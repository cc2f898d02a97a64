"""Sums, products and concatenations of scaled integers work on the integers, their grid's step a multiplication behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering.float_joins import Concatenation, Join, Product, Sum
from xnorflow.hw.lowering.float_nodes import Pointwise, is_float
from xnorflow.hw.lowering.reach import products, reachable
from xnorflow.hw.lowering.rewrite import fresh
from xnorflow.hw.nodes import Add, ChannelGate, Concat, Multiply
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node

    # A stream of integers and the factor that makes the floats of them.
    Operand = tuple[str, float]

_ACCEPTED = "integers times one power of two in both operands are accepted (integerise makes residual networks so)"
_WORDS = {Sum: ("adds", "a residual"), Product: ("multiplies", "a product"), Concatenation: ("joins", "a concatenation")}
_EXACT = 1 << 24


def lower_joins(graph: Graph) -> Graph:
    """Replace every Sum, Product and Concatenation whose operands are scaled integers; the graph itself where there is none.

    Raises:
        UnsupportedModelError: the operands' scales do not fit or are no powers of two, or float32 would round the result.
    """
    for node in graph.nodes:
        if isinstance(node, Join):
            new = _lowered(graph, node)
            graph = graph if new is None else graph.with_nodes(n for old in graph.nodes for n in (new if old is node else (old,)))
    return graph


def refuse_joins(graph: Graph) -> None:
    """Refuse what :func:`lower_joins` had to leave.

    Raises:
        UnsupportedModelError: a Sum, Product or Concatenation of float values; names the node.
    """
    for node in graph.nodes:
        if isinstance(node, Join):
            verb, noun = _WORDS[type(node)]
            words = " and ".join(_words(graph, stream) for stream in node.inputs)
            raise UnsupportedModelError(f"node {node.name}: {verb} {words}, {noun} in floating point; {_ACCEPTED}")


def _words(graph: Graph, stream: str) -> str:
    source = graph.producer(stream)
    if not isinstance(source, Pointwise):
        return "what is no scaled integer"
    return (
        " then ".join(s.kind.value + (" per channel" if any(len(c) > 1 for c in s.operands) else "") for s in source.chain.steps) or "plain integers"
    )


def _lowered(graph: Graph, node: Join) -> tuple[Node, ...] | None:
    operands = [_operand(graph, stream) for stream in node.inputs]
    known = [each for each in operands if each is not None]
    if len(known) < len(operands):
        return None
    results = fresh(graph, f"{node.name}_{'sums' if isinstance(node, Sum) else 'codes'}")
    if isinstance(node, Sum):
        joined, step = _sum(graph, node, known, results)
    elif isinstance(node, Product):
        joined, step = _product(graph, node, known, results)
    else:
        assert isinstance(node, Concatenation)
        joined, step = _concat(graph, node, known, results)
    chain = FloatChain((FloatStep.of(StepKind.MUL, step),))
    return joined, Pointwise(name=fresh(graph, f"{node.name}_scale"), inputs=(results,), outputs=node.outputs, chain=chain)


def _operand(graph: Graph, stream: str) -> Operand | None:
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


def _power_of_two(step: float) -> bool:
    return step > 0 and np.frexp(step)[0] == 0.5


def _result_type(node: Join, what: str, low: int, high: int) -> IntType:
    if max(-low, high) > _EXACT:
        raise UnsupportedModelError(f"node {node.name}: {what} of {low} to {high}; float32 holds up to {_EXACT} exactly")
    return IntType.containing(low, high)


def _sum(graph: Graph, node: Sum, operands: list[Operand], out: str) -> tuple[Node, float]:
    (a, first), (b, second) = operands
    if first != second or not _power_of_two(first):
        raise UnsupportedModelError(f"node {node.name}: adds tensors of scales {first:g} and {second:g}; {_ACCEPTED}")
    lows, highs = zip(reachable(graph, a), reachable(graph, b), strict=True)
    kind = _result_type(node, "sums", int((lows[0] + lows[1]).min()), int((highs[0] + highs[1]).max()))
    return Add(name=node.name, inputs=(a, b), outputs=(out,), out_type=kind), first


def _product(graph: Graph, node: Product, operands: list[Operand], out: str) -> tuple[Node, float]:
    """Multiply, or ChannelGate where the second operand is one pixel; the grid's step is the product of both."""
    (a, first), (b, second) = operands
    step = first * second
    if not (_power_of_two(first) and _power_of_two(second) and float(np.float32(step)) == step):
        raise UnsupportedModelError(f"node {node.name}: multiplies tensors of scales {first:g} and {second:g}; {_ACCEPTED}")
    low, high = products(reachable(graph, a), reachable(graph, b))
    kind = _result_type(node, "products", int(low.min()), int(high.max()))
    cell = Multiply if graph.streams[a].shape == graph.streams[b].shape else ChannelGate
    return cell(name=node.name, inputs=(a, b), outputs=(out,), shift=0, out_type=kind), step


def _concat(graph: Graph, node: Concatenation, operands: list[Operand], out: str) -> tuple[Node, float]:
    names, steps = zip(*operands, strict=True)
    kinds = [graph.streams[name] for name in names]
    if len(names) != 2 or kinds[0] != kinds[1] or steps[0] != steps[1]:
        words = " and ".join(f"{kind.channels} channels of {kind.dtype.name} of scale {step:g}" for kind, step in zip(kinds, steps, strict=True))
        raise UnsupportedModelError(f"node {node.name}: joins {words}; two tensors of as many channels, one type and one scale are accepted")
    return Concat(name=node.name, inputs=names, outputs=(out,)), float(steps[0])
