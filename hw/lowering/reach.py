"""Which values each channel of a stream can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.lowering.float_nodes import Pool
from xnorflow.hw.nodes import Add, Affine, ChannelGate, Concat, Flatten, Fork, MaxPool, Multiply, SlidingWindow, Table, Threshold
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.nodes.summing import Summing

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph
    from xnorflow.hw.types import IntArray


def reachable(graph: Graph, stream: str) -> tuple[IntArray, IntArray]:
    """Least and greatest value of each channel, ``(C,)`` each; bounds from types where nothing closer is known."""
    kind, node = graph.streams[stream], graph.producer(stream)
    if isinstance(node, MatVec):
        return _mat_vec(graph, node)
    if isinstance(node, (Pool, MaxPool)):
        source = node.inputs[0]
        while isinstance(window := graph.producer(source), SlidingWindow) or (
            window is not None and window.op == "Pad" and isinstance(node, MaxPool)
        ):
            source = window.inputs[0]
        return reachable(graph, source)
    if isinstance(node, Flatten):
        low, high = reachable(graph, node.inputs[0])
        times = kind.channels // len(low)
        return np.tile(low, times), np.tile(high, times)
    if isinstance(node, Summing):
        return _summed(graph, node)
    if isinstance(node, Fork):
        return reachable(graph, node.inputs[0])
    if isinstance(node, Add):
        (low, high), (other_low, other_high) = (reachable(graph, name) for name in node.inputs)
        return (np.clip(low + other_low, kind.dtype.minimum, kind.dtype.maximum), np.clip(high + other_high, kind.dtype.minimum, kind.dtype.maximum))
    if isinstance(node, (Multiply, ChannelGate)):
        bounds = products(*(reachable(graph, name) for name in node.inputs))
        low, high = (np.clip(bound >> node.shift, kind.dtype.minimum, kind.dtype.maximum) for bound in bounds)
        return low, high
    if isinstance(node, Concat):
        lows, highs = zip(*(reachable(graph, name) for name in node.inputs), strict=True)
        return np.concatenate(lows), np.concatenate(highs)
    if isinstance(node, Affine):
        return affine_reach(node, *reachable(graph, node.inputs[0]))
    if isinstance(node, Threshold):
        low = np.full(kind.channels, node.base, dtype=np.int64)
        return low, low + node.step * node.levels
    if isinstance(node, Table):
        low, high = node.values.min(axis=1), node.values.max(axis=1)
        return np.broadcast_to(low, (kind.channels,)), np.broadcast_to(high, (kind.channels,))
    return np.full(kind.channels, kind.dtype.minimum, dtype=np.int64), np.full(kind.channels, kind.dtype.maximum, dtype=np.int64)


def products(first: tuple[IntArray, IntArray], second: tuple[IntArray, IntArray]) -> tuple[IntArray, IntArray]:
    """Least and greatest product of two numbers, each between bounds ``(C,)``."""
    corners = np.stack([a * b for a in first for b in second])
    return corners.min(axis=0), corners.max(axis=0)


def _summed(graph: Graph, node: Summing) -> tuple[IntArray, IntArray]:
    (stream,) = node.inputs
    taps, _ = node.pixels(graph.streams[stream])
    while isinstance(window := graph.producer(stream), SlidingWindow):
        (stream,) = window.inputs
    low, high = reachable(graph, stream)
    return taps * low, taps * high


def affine_reach(node: Affine, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Least and greatest result in each channel of inputs between bounds; each piece is monotone, so its ends bound it."""
    ends = [low, high]
    if node.pieces == 2:
        ends += [np.clip(node.knee - 1, low, high), np.clip(node.knee, low, high)]
    (values,) = node.execute((np.stack(ends),))
    return values.min(axis=0), values.max(axis=0)


def _mat_vec(graph: Graph, node: MatVec) -> tuple[IntArray, IntArray]:
    dtype = graph.streams[node.inputs[0]].dtype
    positive = np.where(node.weights > 0, node.weights, 0).sum(axis=1)
    negative = np.where(node.weights < 0, node.weights, 0).sum(axis=1)
    low, high = positive * dtype.minimum + negative * dtype.maximum, positive * dtype.maximum + negative * dtype.minimum
    if node.border is not None:
        table = node.border.table.reshape(-1, node.mh)
        low, high = low + np.minimum(table.min(axis=0), 0), high + np.maximum(table.max(axis=0), 0)
    return low, high
