"""Graphs of one node, or of a Fork and what joins its streams: what calibrates the resource formulas, and what tries them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from xnorflow.hw.graph import Graph, HardwareNode, StreamType
from xnorflow.hw.nodes import Affine, ChannelGate, Fork, GlobalSum, IntMatVec, Multiply, Table, Threshold, WidthConverter, XnorMatVec
from xnorflow.hw.nodes.mat_vec import Border
from xnorflow.hw.types import BIPOLAR, IntType

PORTS: dict[str, Any] = {"name": "cell", "inputs": ("x",), "outputs": ("y",)}


def stream_type(bits: int, *, signed: bool = False) -> IntType:
    """BIPOLAR for one bit, else integers."""
    return BIPOLAR if bits == 1 else IntType(bits, signed=signed)


def graph_of(node: HardwareNode, shape: tuple[int, ...], kind: IntType) -> Graph:
    """One node between the graph's input and its output."""
    return Graph(input_of(shape, kind), (node,), ("y",))


def input_of(shape: tuple[int, ...], kind: IntType) -> dict[str, StreamType]:
    """The input of every graph here."""
    return {"x": StreamType(shape, kind)}


def converter(before: int, after: int) -> Graph:
    """Bits from some lanes to others."""
    node = WidthConverter(**PORTS, lanes_in=before, lanes_out=after)
    return graph_of(node, (1, 1, 2 * before * after), BIPOLAR)


def multiply(lanes: int, bits: int, shift: int, out: int) -> Graph:
    """A stream times itself."""
    fork = Fork(name="fork", inputs=("x",), outputs=("a", "b"), lanes=lanes)
    multiply = Multiply(name="multiply", inputs=("a", "b"), outputs=("y",), shift=shift, out_type=IntType(out, signed=True), lanes=lanes)
    return Graph(input_of((4, 4, 2 * lanes), IntType(bits, signed=True)), (fork, multiply), ("y",))


def gate(lanes: int, channels: int, bits: int, shift: int, out: int) -> Graph:
    """An image gated by its own sums."""
    fork = Fork(name="fork", inputs=("x",), outputs=("a", "b"), lanes=lanes)
    means = GlobalSum(name="sum", inputs=("b",), outputs=("g",), lanes=lanes)
    gate = ChannelGate(name="gate", inputs=("a", "g"), outputs=("y",), shift=shift, out_type=IntType(out, signed=True), lanes=lanes)
    return Graph(input_of((4, 4, channels), IntType(bits, signed=True)), (fork, means, gate), ("y",))


def threshold(lanes: int, channels: int, bits: int, levels: int) -> Graph:
    """Random thresholds, half of the channels decreasing."""
    rng = np.random.default_rng(channels)
    kind = IntType(bits, signed=True)
    values = np.sort(rng.integers(kind.minimum // 2, kind.maximum // 2, (channels, levels)), axis=1)
    out, base, step = (BIPOLAR, -1, 2) if levels == 1 else (IntType(levels.bit_length(), signed=False), 0, 1)
    node = Threshold(**PORTS, thresholds=values, negate=rng.random(channels) < 0.5, base=base, step=step, out_type=out, lanes=lanes)
    return graph_of(node, (4, 4, channels), kind)


def xnor(mw: int, mh: int, simd: int, pe: int, *, border: bool = False, sign: bool = False) -> Graph:
    """With ``border`` a table for 8x8 pixels, with ``sign`` the thresholds that make signs of the accumulators."""
    rng = np.random.default_rng(mw)
    weights = rng.choice(np.array([-1, 1]), (mh, mw))
    table = None
    if border:
        classes = np.array([0, *[1] * 6, 2])
        table = Border(classes, classes, rng.integers(-64, 65, (3, 3, mh)))
    node = XnorMatVec(**PORTS, weights=weights, weight_type=BIPOLAR, pe=pe, simd=simd, border=table)
    if sign:
        node = replace(node, thresholds=rng.integers(-(mw // 4), mw // 4 + 1, mh))
    return graph_of(node, (8, 8, mw), BIPOLAR)


def integer(mw: int, mh: int, simd: int, pe: int, x_bits: int, w_bits: int) -> Graph:
    """Random weights of ``w_bits`` (1 for signs) on unsigned inputs of ``x_bits`` (1 for signs)."""
    rng = np.random.default_rng(mw)
    kind = stream_type(w_bits, signed=True)
    weights = rng.choice(np.array([-1, 1]), (mh, mw)) if w_bits == 1 else rng.integers(kind.minimum, kind.maximum + 1, (mh, mw))
    node = IntMatVec(**PORTS, weights=weights, weight_type=kind, pe=pe, simd=simd)
    return graph_of(node, (4, 4, mw), stream_type(x_bits))


def table(lanes: int, rows: int, channels: int, bits: int, out: int) -> Graph:
    """Random tables, one for each channel or one for all."""
    rng = np.random.default_rng(bits)
    kind = stream_type(out)
    values = rng.choice(np.array([-1, 1]), (rows, 1 << bits)) if out == 1 else rng.integers(0, kind.maximum + 1, (rows, 1 << bits))
    return graph_of(Table(**PORTS, values=values, out_type=kind, lanes=lanes), (4, 4, channels), IntType(bits, signed=False))


def affine(lanes: int, channels: int, bits: int, pieces: int, mul: int, out: int) -> Graph:
    """Random coefficients of ``mul`` bits, with one or two pieces."""
    rng = np.random.default_rng(channels + pieces)
    kind, coefficient = IntType(bits, signed=True), IntType(mul, signed=True)
    slopes = rng.integers(coefficient.minimum, coefficient.maximum + 1, (channels, pieces))
    offsets = rng.integers(-(1 << (mul + 3)), 1 << (mul + 3), (channels, pieces))
    knee = rng.integers(-16, 16, channels if pieces == 2 else 0)
    node = Affine(**PORTS, mul=slopes, add=offsets, knee=knee, shift=mul - 1, out_type=IntType(out, signed=True), lanes=lanes)
    return graph_of(node, (4, 4, channels), kind)
