"""Pass sink_scales: what turns integers into floats moves behind Flatten, Pool and Border, which then work on integers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.chain import FloatChain, StepKind
from xnorflow.hw.lowering.float_nodes import Border, Linear, Pointwise, Pool, Quantise, is_float, pad_node
from xnorflow.hw.lowering.fuse_pointwise import fuse
from xnorflow.hw.lowering.rewrite import swap
from xnorflow.hw.lowering.split_scales import settle
from xnorflow.hw.nodes import Flatten, Pad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.types import IntArray

_MAX_CODES = 1 << 12


def sink_scales(graph: Graph) -> Graph:
    """Move Pointwise nodes that read integers, and the pixel offset, towards the next Linear; merge zero borders into it."""
    return settle(graph, fuse, _merge_border, _sink_pointwise, _sink_offset)


def _merge_border(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    """A border of zeros in front of a convolution is the convolution's own zero padding."""
    if isinstance(first, Border) and isinstance(second, Linear) and second.is_conv and first.value == 0:
        top, left, bottom, right = (a + b for a, b in zip(first.pads, second.pads, strict=True))
        return (replace(second, inputs=first.inputs, pads=(top, left, bottom, right)),)
    return None


def _sink_pointwise(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    if not isinstance(first, Pointwise) or is_float(graph.streams[first.inputs[0]]):
        return None
    if isinstance(second, Flatten):
        return swap(graph, replace(first, chain=_tiled(graph, first.chain, second)), second)
    if isinstance(second, Pool) and np.all(first.chain.directions() == 1):
        return swap(graph, first, second)
    if isinstance(second, Border):
        value = _code_of(graph, first, second.value)
        if value is not None:
            border, scale = swap(graph, first, second)
            return pad_node(border.name, border.inputs[0], border.outputs[0], second.pads, value), scale
    return None


def _sink_offset(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    """A Quantise that only subtracts integers from pixels moves on and disappears into the chain that reads it."""
    if not isinstance(first, Quantise) or [s.kind for s in first.chain.steps] != [StepKind.OFFSET]:
        return None
    if isinstance(second, Flatten):
        return swap(graph, replace(first, chain=_tiled(graph, first.chain, second)), second)
    if isinstance(second, Pool):
        return swap(graph, first, second)
    if isinstance(second, Pointwise):
        return (replace(second, inputs=first.inputs, chain=first.chain.then(second.chain)),)
    if isinstance(second, Pad):
        value = second.value + first.chain.steps[0].operands[0]
        if graph.streams[first.inputs[0]].dtype.allows(value):
            pad, offset = swap(graph, first, second)
            assert isinstance(pad, Pad)
            return replace(pad, value=value), offset
    return None


def _tiled(graph: Graph, chain: FloatChain, flatten: Node) -> FloatChain:
    kind = graph.streams[flatten.inputs[0]]
    return chain.map_operands(lambda c: np.tile(c, kind.size // kind.channels))


def _code_of(graph: Graph, scale: Pointwise, value: float) -> IntArray | None:
    """The integer per channel that the chain turns into a value; None where there is none."""
    kind = graph.streams[scale.inputs[0]]
    if kind.dtype.maximum - kind.dtype.minimum >= _MAX_CODES:
        return None
    codes = np.array([-1, 1]) if kind.dtype.bipolar else np.arange(kind.dtype.minimum, kind.dtype.maximum + 1)
    hits = scale.chain.apply(np.broadcast_to(codes[:, None], (len(codes), kind.channels))) == np.float32(value)
    return codes[np.argmax(hits, axis=0)].astype(np.int64) if np.all(hits.any(axis=0)) else None
