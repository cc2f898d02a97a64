"""Pass find_thresholds: a chain between integers and the next quantiser becomes a Threshold, an Affine, or a Table.

The chain itself is evaluated, in float32 and operation by operation, over every value that the channel can have; where
the range is large and every step provably monotone, by bisection. Nothing is derived in algebra.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.lowering.exact_affine import exact_affine
from xnorflow.hw.lowering.find_affine import affine_of, affine_of_thresholds
from xnorflow.hw.lowering.float_nodes import Quantise, is_float
from xnorflow.hw.lowering.reach import affine_reach, reachable
from xnorflow.hw.lowering.rewrite import rewrite_pairs
from xnorflow.hw.lowering.sigmoid import bends, check_sigmoid
from xnorflow.hw.nodes import Add, ChannelGate, Multiply, Table, Threshold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.graph import Graph, Node, StreamType
    from xnorflow.hw.types import IntArray

    BoolArray = np.ndarray[tuple[int], np.dtype[np.bool_]]

_SEARCHED = 1 << 12  # inputs for which the slope of the fewest bits is searched
_EXHAUSTIVE = 1 << 22
_LARGEST_RANGE = 1 << 20
_TABLE_BITS = 12
_SMALL_BITS = 8
_MOST_LEVELS = 15  # a multiplication costs less than so many comparisons
_TABLE_LEVELS = 15  # nor does a ROM of 256 words
_THRESHOLD_LEVELS = 255


def find_thresholds(graph: Graph) -> Graph:
    """Replace every Quantise of integers.

    Raises:
        UnsupportedModelError: a chain that is not monotone over a range too large for a table.
    """
    graph = rewrite_pairs(graph, _saturate)
    done: list[Node] = []
    for node in graph.nodes:
        if isinstance(node, Quantise) and not is_float(graph.streams[node.inputs[0]]):
            done.append(_replaced(graph, node))
        else:
            done.append(node)
    return graph.with_nodes(done)


def _saturate(graph: Graph, first: Node, second: Node) -> Sequence[Node] | None:
    """A quantiser that only drops bits of a product, and holds it within its own type, is that node's shift and saturation; a sum has no shift."""
    if not isinstance(first, (Add, Multiply, ChannelGate)) or not isinstance(second, Quantise) or second.out_type.bipolar:
        return None
    line = exact_affine(second, graph.streams[first.outputs[0]].dtype, *reachable(graph, first.outputs[0]))
    if line is None or line.pieces == 2 or np.any(line.mul != 1) or np.any(line.add != 0):
        return None
    if isinstance(first, Add):
        return (replace(first, outputs=second.outputs, out_type=second.out_type),) if line.shift == 0 else None
    return (replace(first, outputs=second.outputs, out_type=second.out_type, shift=first.shift + line.shift),)


def _is_small(low: IntArray, high: IntArray) -> bool:
    return int((high - low).max()) < _LARGEST_RANGE and int((high - low + 1).sum()) <= _EXHAUSTIVE * 16


def _replaced(graph: Graph, node: Quantise) -> Node:
    kind = graph.streams[node.inputs[0]]
    low, high = reachable(graph, node.inputs[0])
    pixels = kind.dtype.bits == 8 and node.inputs[0] in graph.inputs
    line = exact_affine(node, kind.dtype, low, high) if int((high - low).max()) >= _SEARCHED else None
    if line is not None and _range_of(affine_reach(line, low, high)) > _MOST_LEVELS:
        return line
    if _is_small(low, high):
        curves = _curves(node, low, high)
        if bends(node.chain):
            check_sigmoid(node, low + np.arange(int((high - low).max()) + 1)[:, None])
        affine = affine_of(node, low, curves) if _range_of(curves) > _MOST_LEVELS and not pixels else None
        if affine is not None:
            return affine
        found = _exhaustive(node, low, high, curves)
    else:
        found = _bisected(node, low, high)
        affine = affine_of_thresholds(node, *found, low, high) if found[0].shape[1] > _MOST_LEVELS else None
        if affine is not None:
            return affine
    if found is not None and found[0].shape[1] > _THRESHOLD_LEVELS:
        text = f"its chain of float operations makes {found[0].shape[1] + 1} codes and is no slope of at most two pieces"
        raise UnsupportedModelError(f"node {node.name}: {text}; up to {_THRESHOLD_LEVELS + 1} codes, or multiply, add, PReLU and FLOOR, are accepted")
    if found is None or (kind.dtype.bits <= _SMALL_BITS and found[0].shape[1] > _TABLE_LEVELS):
        return _table(node, kind)
    thresholds, negate, base = found
    step = 2 if node.out_type.bipolar else 1
    signed_low = np.where(negate, -kind.dtype.maximum, kind.dtype.minimum)[:, None]
    signed_high = np.where(negate, -kind.dtype.minimum, kind.dtype.maximum)[:, None]
    clamped = np.clip(thresholds, signed_low, signed_high + 1)
    return Threshold(
        name=node.name, inputs=node.inputs, outputs=node.outputs, thresholds=clamped, negate=negate, base=base, step=step, out_type=node.out_type
    )


def _range_of(curves: Sequence[IntArray]) -> int:
    return max(int(c.max()) for c in curves) - min(int(c.min()) for c in curves)


def _exhaustive(node: Quantise, low: IntArray, high: IntArray, curves: list[IntArray]) -> tuple[IntArray, BoolArray, int] | None:
    """Thresholds of ``s*x``, the negated channels and the least code; None where a channel is not monotone."""
    least, most = min(int(c.min()) for c in curves), max(int(c.max()) for c in curves)
    base, levels = _levels(node, least, most)
    thresholds = np.empty((len(curves), len(levels)), dtype=np.int64)
    negate = np.zeros(len(curves), dtype=np.bool_)
    for channel, curve in enumerate(curves):
        change = np.diff(curve)
        if np.all(change >= 0):
            first = np.searchsorted(curve, levels, side="left")
            thresholds[channel] = low[channel] + first
        elif np.all(change <= 0):
            negate[channel] = True
            first = np.searchsorted(curve[::-1], levels, side="left")
            thresholds[channel] = -high[channel] + first
        else:
            return None
        thresholds[channel] = _always_never(thresholds[channel], first, len(curve))
    return thresholds, negate, base


def _levels(node: Quantise, least: int, most: int) -> tuple[int, IntArray]:
    """The base code and the codes above it, for codes that lie in ``least..most``; at least one level."""
    if node.out_type.bipolar:
        return -1, np.array([1])
    base = min(least, node.out_type.maximum - 1)
    return base, np.arange(base + 1, max(most, base + 1) + 1)


def _always_never(thresholds: IntArray, first: IntArray, count: IntArray | int) -> IntArray:
    """Push thresholds that hold for every or for no reachable value to the ends; the caller clamps them to the type."""
    far = np.int64(1) << 40
    return np.where(first == 0, -far, np.where(first == count, far, thresholds))


def _curves(node: Quantise, low: IntArray, high: IntArray) -> list[IntArray]:
    """Codes over each channel's own range, evaluated in blocks of channels."""
    span = int((high - low).max()) + 1
    block = max(1, _EXHAUSTIVE // span)
    curves: list[IntArray] = []
    for start in range(0, len(low), block):
        part = slice(start, min(start + block, len(low)))
        values = low[part] + np.arange(span, dtype=np.int64)[:, None]
        chain = node.chain.map_operands(lambda c, part=part: c[part])  # type: ignore[misc]
        codes = np.rint(chain.apply(values)).astype(np.int64)
        curves += [codes[: int(h - lo) + 1, i].copy() for i, (lo, h) in enumerate(zip(low[part], high[part], strict=True))]
    return curves


def _bisected(node: Quantise, low: IntArray, high: IntArray) -> tuple[IntArray, BoolArray, int]:
    directions = np.broadcast_to(node.chain.directions(), low.shape)
    if np.any(directions == 0):
        span = int((high - low).max()) + 1
        text = f"its chain of float operations is not monotone over {span} values"
        raise UnsupportedModelError(f"node {node.name}: {text}; monotone chains, and others over at most {_LARGEST_RANGE} values, are accepted")
    negate = directions < 0
    ends = np.stack([node.codes(low[None])[0], node.codes(high[None])[0]])
    base, levels = _levels(node, int(ends.min()), int(ends.max()))
    start, stop = np.where(negate, -high, low), np.where(negate, -low, high)
    block = max(1, _EXHAUSTIVE // len(low))
    rows = [_bisect(node, negate, start, stop, levels[i : i + block]) for i in range(0, len(levels), block)]
    return np.ascontiguousarray(np.concatenate(rows).T), negate, base


def _bisect(node: Quantise, negate: BoolArray, start: IntArray, stop: IntArray, levels: IntArray) -> IntArray:
    """Per level and channel the least ``s*x`` in ``start..stop`` whose code reaches it, ``stop + 1`` where none does."""
    low, high = np.tile(start, (len(levels), 1)), np.tile(stop + 1, (len(levels), 1))
    while np.any(low < high):
        middle = (low + high) // 2
        reached = node.codes(np.where(negate, -middle, middle)) >= levels[:, None]
        high = np.where((low < high) & reached, middle, high)
        low = np.where((low < high) & ~reached, middle + 1, low)
    return _always_never(low, low - start, stop - start + 1)


def _table(node: Quantise, kind: StreamType) -> Table:
    if kind.dtype.bits > _TABLE_BITS:
        text = f"its chain of float operations is not monotone over {kind.dtype.name}"
        raise UnsupportedModelError(f"node {node.name}: {text}; monotone chains, and others over at most {_TABLE_BITS} bits, are accepted")
    patterns = np.arange(1 << kind.dtype.bits, dtype=np.uint64)
    values = np.broadcast_to(kind.dtype.decode(patterns)[:, None], (len(patterns), kind.channels))
    codes = node.codes(values).T
    codes = codes[:1] if np.all(codes == codes[:1]) else codes
    return Table(name=node.name, inputs=node.inputs, outputs=node.outputs, values=np.ascontiguousarray(codes), out_type=node.out_type)
