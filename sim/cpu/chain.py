"""Which nodes are computed in one pass: a matrix product or a pool with what is done to its elements, or that alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.hw.nodes import (
    Add,
    Affine,
    ArgMax,
    ChannelGate,
    Concat,
    Fifo,
    Flatten,
    Fork,
    GlobalSum,
    MaxPool,
    Multiply,
    Pad,
    SlidingWindow,
    SumPool,
    Table,
    Threshold,
    WidthConverter,
)
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.kernels.packed import WORD_BITS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.types import IntType

IDENTITIES = (Fifo, Fork, WidthConverter)
ELEMENTWISE = (Add, Affine, ChannelGate, Multiply, Table, Threshold)
POOLS = (GlobalSum, MaxPool, SumPool)
KNOWN = (*IDENTITIES, *ELEMENTWISE, *POOLS, MatVec, ArgMax, Concat, Flatten, Pad, SlidingWindow)
_INT32 = 1 << 31


@dataclass(frozen=True)
class Wiring:
    """A graph without its wires.

    Attributes:
        graph: the graph.
        alias: every stream -> the stream that holds its value (itself, or the one in front of its wires).
        nodes: all that are not wires, in order.
        readers: the nodes that read a stream.
        windows: the nodes whose streams are windows: the reader goes to the image in front of them.
    """

    graph: Graph
    alias: Mapping[str, str]
    nodes: tuple[Node, ...]
    readers: Mapping[str, tuple[Node, ...]]
    windows: Mapping[str, SlidingWindow]

    def inputs(self, node: Node) -> tuple[str, ...]:
        """The streams that a node reads."""
        return tuple(self.alias[name] for name in node.inputs)

    def types(self, node: Node) -> tuple[IntType, ...]:
        """Element types of a node's inputs and output."""
        return tuple(self.graph.streams[name].dtype for name in (*self.inputs(node), node.outputs[0]))


def wiring(graph: Graph) -> Wiring:
    """Find the wires of a graph.

    Raises:
        BadInputError: the runtime does not know a node, or a node has several outputs.
    """
    alias = {name: name for name in graph.inputs}
    real: list[Node] = []
    for node in graph.nodes:
        wire = isinstance(node, IDENTITIES)
        if not isinstance(node, KNOWN):
            raise BadInputError(f"node {node.name}: the CPU runtime does not know {node.op}")
        if len(node.outputs) != 1 and not wire:
            raise BadInputError(f"node {node.name}: the CPU runtime takes nodes of one output, not {node.op}")
        alias |= {out: alias[node.inputs[0]] if wire else out for out in node.outputs}
        real += [] if wire else [node]
    readers: dict[str, list[Node]] = {}
    for node in real:
        for name in dict.fromkeys(alias[i] for i in node.inputs):
            readers.setdefault(name, []).append(node)
    windows = {node.outputs[0]: node for node in real if isinstance(node, SlidingWindow)}
    return Wiring(graph, alias, tuple(real), {name: tuple(nodes) for name, nodes in readers.items()}, windows)


@dataclass
class Chain:
    """Nodes of one pass, in order; the first may be a matrix product or a pool, the others work element by element."""

    nodes: list[Node] = field(default_factory=list)
    flat: bool = False

    @property
    def made(self) -> set[str]:
        """The streams that it makes."""
        return {node.outputs[0] for node in self.nodes}


def is_sign(node: Node) -> bool:
    """Whether a node is a plain sign threshold: one level a channel, -1 below it and +1 from it on."""
    return isinstance(node, Threshold) and node.out_type.bipolar and (node.levels, node.base, node.step) == (1, -1, 2)


def is_wide(node: Node, kinds: tuple[IntType, ...]) -> bool:
    """Whether a node of these types of inputs and output needs more than int32 for values, coefficients or knees."""
    constants = (node.mul, node.add, node.knee) if isinstance(node, Affine) else ()
    return any(kind.maximum >= _INT32 for kind in kinds) or any(int(np.abs(a).max(initial=0)) >= _INT32 - 1 for a in constants)


def chains(wires: Wiring, outputs: Collection[str]) -> list[Chain]:
    """All nodes but windows, grouped; a chain reads only what those before it have made. ``outputs`` are handed out."""
    ready = set(wires.graph.inputs)
    left = [node for node in wires.nodes if not isinstance(node, SlidingWindow)]
    done: set[str] = set()
    found: list[Chain] = []
    for node in left:
        if node.name in done:
            continue
        chain = Chain([node])
        if node.outputs[0] not in outputs and _flattens(wires, node):
            chain = Chain([node, *wires.readers[node.outputs[0]]], flat=True)
        elif isinstance(node, (*ELEMENTWISE, *POOLS, MatVec)):
            _grow(wires, chain, left, ready)
        done |= {member.name for member in chain.nodes}
        ready |= chain.made
        found.append(chain)
    return found


def _flattens(wires: Wiring, node: Node) -> bool:
    """Whether a sign's only use is to be flattened: then its pixels are computed as one, which fills whole words."""
    readers = wires.readers.get(node.outputs[0], ())
    filled = wires.graph.streams[node.outputs[0]].channels % WORD_BITS == 0
    return is_sign(node) and not filled and [type(r) for r in readers] == [Flatten] and not is_wide(node, wires.types(node))


def _grow(wires: Wiring, chain: Chain, nodes: list[Node], ready: set[str]) -> None:
    if is_wide(chain.nodes[0], wires.types(chain.nodes[0])) or _pools_bits(wires, chain.nodes[0]):
        return
    first, shape = nodes.index(chain.nodes[0]), wires.graph.streams[chain.nodes[0].outputs[0]].shape
    open_streams = set() if is_sign(chain.nodes[0]) else chain.made
    for node in nodes[first + 1 :]:
        inputs = wires.inputs(node)
        if not isinstance(node, ELEMENTWISE) or not open_streams.intersection(inputs) or not open_streams | ready >= set(inputs):
            continue
        gated = isinstance(node, ChannelGate) and inputs[1] in open_streams
        joins = wires.graph.streams[node.outputs[0]].shape == shape and not is_wide(node, wires.types(node))
        if joins and not gated:
            chain.nodes.append(node)
            open_streams |= set() if is_sign(node) else {node.outputs[0]}


def _pools_bits(wires: Wiring, node: Node) -> bool:
    return isinstance(node, MaxPool) and wires.inputs(node)[0] in wires.windows and wires.types(node)[-1].bipolar
