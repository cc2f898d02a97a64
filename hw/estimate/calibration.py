"""The networks of one node (of a Fork and what joins its streams, two or three) that calibrate the resource formulas on Yosys' counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.estimate.primitives import frame_end, total
from xnorflow.hw.estimate.single_cells import (
    PORTS,
    affine,
    converter,
    gate,
    graph_of,
    input_of,
    integer,
    multiply,
    stream_type,
    table,
    threshold,
    xnor,
)
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.graph import Graph
from xnorflow.hw.nodes import (
    Add,
    ArgMax,
    Concat,
    Fifo,
    Fork,
    GlobalSum,
    MaxPool,
    Pad,
    SlidingWindow,
    SumPool,
)
from xnorflow.hw.types import BIPOLAR, IntType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xnorflow.hw.cell import Resources

_FIFOS = ((1, 2), (8, 2), (64, 2), (8, 3), (8, 8), (16, 17), (32, 33), (7, 65), (16, 129), (16, 513))
_FRAMES = ((36, 257), (9, 4097), (64, 1025), (63, 3137), (9, 16385), (28, 2300))  # FIFOs that hold a frame: width, depth
_CONVERTERS = ((1, 8), (8, 1), (1, 49), (8, 64), (64, 8), (32, 288), (100, 10), (24, 48))
_THRESHOLDS = (
    (1, 1, 8, 1),
    (3, 3, 8, 1),
    (1, 64, 10, 1),
    (4, 64, 10, 1),
    (16, 64, 11, 1),
    (64, 64, 8, 1),
    (8, 256, 13, 1),
    (8, 64, 12, 3),
    (2, 64, 12, 7),
)
_XNOR = (
    (64, 32, 8, 4),
    (64, 64, 1, 1),
    (64, 64, 32, 1),
    (64, 64, 32, 4),
    (64, 64, 8, 16),
    (64, 64, 64, 64),
    (64, 10, 64, 10),
    (784, 64, 49, 16),
    (784, 64, 16, 4),
    (576, 64, 32, 16),
    (576, 64, 64, 2),
    (256, 256, 32, 8),
    (2304, 256, 32, 4),
    (1152, 128, 9, 2),
    (27, 10, 3, 5),
)
_INTEGER = (  # MW, MH, SIMD, PE, bits of x, bits of w (1 for bipolar)
    (27, 64, 3, 8, 8, 1),
    (27, 64, 27, 16, 8, 1),
    (784, 64, 16, 4, 8, 1),
    (64, 10, 8, 2, 8, 8),
    (64, 10, 4, 10, 1, 8),
    (576, 64, 16, 4, 2, 2),
    (144, 32, 8, 8, 4, 4),
    (512, 10, 1, 1, 8, 8),
    (64, 16, 64, 16, 3, 2),
)
_PADS = ((8, 8, 1, 1, 1, 8), (32, 32, 3, 3, 1, 8), (16, 16, 64, 16, 1, 1), (28, 28, 16, 4, 2, 1), (8, 8, 256, 64, 1, 1))
_WINDOWS = (  # H, W, C, lanes, kernel, stride, bits
    (8, 8, 8, 8, 3, 1, 1),
    (10, 10, 64, 32, 3, 1, 1),
    (32, 32, 3, 3, 3, 1, 8),
    (28, 28, 1, 1, 5, 1, 8),
    (14, 14, 128, 32, 3, 1, 1),
    (30, 30, 64, 64, 2, 2, 1),
    (12, 12, 16, 4, 3, 2, 2),
    (8, 8, 256, 16, 1, 2, 1),
)
_POOLS = ((4, 64, 16, 1), (4, 64, 64, 1), (9, 16, 4, 8), (4, 8, 8, 12))
_SUMS = ((4, 16, 4, 9), (4, 8, 8, 9), (64, 16, 2, 10), (4, 4, 1, 1))  # taps, channels, lanes, bits
_TABLES = ((1, 1, 1, 8, 1), (4, 64, 64, 4, 2), (3, 3, 3, 8, 8))  # lanes, table rows, channels, bits in, bits out
_ADDS = ((1, 9, 9), (4, 9, 10), (16, 8, 8), (2, 16, 12))  # lanes, bits in, bits out
_PRODUCTS = ((1, 9, 8, 9), (4, 9, 8, 9), (8, 4, 3, 8), (2, 3, 1, 6))  # lanes, bits in, shift, bits out
_GATES = ((1, 4, 9, 8, 9), (4, 16, 9, 8, 9), (2, 64, 4, 3, 6), (1, 256, 3, 3, 6))  # lanes, channels, bits in, shift, bits out
_CONCATS = ((1, 8, 9), (4, 4, 8), (8, 64, 9), (64, 64, 1))  # lanes, channels of each, bits
_AFFINE = (  # lanes, channels, bits in, pieces, bits of the multiplier, bits out
    (1, 16, 9, 1, 8, 9),
    (4, 64, 11, 1, 10, 9),
    (4, 64, 11, 2, 10, 9),
    (8, 8, 9, 1, 6, 8),
    (8, 64, 9, 2, 5, 9),
    (1, 256, 14, 1, 12, 16),
    (2, 2, 10, 2, 8, 9),
)
_ARGMAX = ((10, 1, 8), (10, 10, 12), (1000, 4, 14), (10, 5, 20))


def estimated(graph: Graph) -> Resources:
    """Estimate of a small graph, with the TLAST counter of the port that is synthesised along."""
    nodes = hardware_nodes(graph)
    return total(node.resources(graph.types_of(node)) for node in nodes) + frame_end(graph.streams[graph.outputs[0]].size // nodes[-1].out_lanes)


def cases() -> Iterator[tuple[str, Graph]]:
    """Name and graph of every case, the same ones every time."""
    for width, depth in (*_FIFOS, *_FRAMES):
        yield f"Fifo width={width} depth={depth}", graph_of(Fifo(**PORTS, depth=depth, lanes=width), (4, 4, width), BIPOLAR)
    for before, after in _CONVERTERS:
        yield f"WidthConverter {before} to {after}", converter(before, after)
    for lanes, channels, bits, levels in _THRESHOLDS:
        yield f"Threshold lanes={lanes} C={channels} bits={bits} levels={levels}", threshold(lanes, channels, bits, levels)
    for mw, mh, simd, pe in _XNOR:
        yield f"XnorMatVec MW={mw} MH={mh} SIMD={simd} PE={pe}", xnor(mw, mh, simd, pe)
    yield "XnorMatVec MW=576 MH=64 SIMD=32 PE=16 border", xnor(576, 64, 32, 16, border=True)
    for shape in _INTEGER:
        yield "IntMatVec MW={} MH={} SIMD={} PE={} x={} w={}".format(*shape), integer(*shape)
    yield from _image_cases()
    for taps, channels, lanes, bits in _SUMS:
        name = f"SumPool taps={taps} C={channels} lanes={lanes} bits={bits}"
        yield name, graph_of(SumPool(**PORTS, taps=taps, lanes=lanes), (2, 2, taps * channels), stream_type(bits, signed=True))
    yield "GlobalSum 8x8x16 lanes=4 bits=9", graph_of(GlobalSum(**PORTS, lanes=4), (8, 8, 16), IntType(9, signed=True))
    for lanes, rows, channels, bits, out in _TABLES:
        yield f"Table lanes={lanes} rows={rows} C={channels} bits={bits} out={out}", table(lanes, rows, channels, bits, out)
    yield from _joining_cases()
    for lanes, channels, bits, pieces, mul, out in _AFFINE:
        name = f"Affine lanes={lanes} C={channels} bits={bits} pieces={pieces} mul={mul} out={out}"
        yield name, affine(lanes, channels, bits, pieces, mul, out)
    for channels, lanes, bits in _ARGMAX:
        yield f"ArgMax C={channels} lanes={lanes} bits={bits}", graph_of(ArgMax(**PORTS, lanes=lanes), (channels,), IntType(bits, signed=True))


def _image_cases() -> Iterator[tuple[str, Graph]]:
    for height, width, channels, lanes, border, bits in _PADS:
        kind = stream_type(bits)
        value = np.full(channels, kind.minimum, dtype=np.int64)
        pad = Pad(**PORTS, top=border, bottom=border, left=border, right=border, value=value, lanes=lanes)
        yield f"Pad {height}x{width}x{channels} lanes={lanes} border={border} bits={bits}", graph_of(pad, (height, width, channels), kind)
    for height, width, channels, lanes, kernel, stride, bits in _WINDOWS:
        window = SlidingWindow(**PORTS, kernel=(kernel, kernel), stride=(stride, stride), lanes=lanes)
        name = f"SlidingWindow {height}x{width}x{channels} lanes={lanes} kernel={kernel} stride={stride} bits={bits}"
        yield name, graph_of(window, (height, width, channels), stream_type(bits))
    for taps, channels, lanes, bits in _POOLS:
        pool = MaxPool(**PORTS, taps=taps, lanes=lanes)
        yield f"MaxPool taps={taps} C={channels} lanes={lanes} bits={bits}", graph_of(pool, (4, 4, taps * channels), stream_type(bits, signed=True))


def _joining_cases() -> Iterator[tuple[str, Graph]]:
    for lanes, bits, out in _ADDS:
        fork = Fork(name="fork", inputs=("x",), outputs=("a", "b"), lanes=lanes)
        add = Add(name="add", inputs=("a", "b"), outputs=("y",), out_type=IntType(out, signed=True), lanes=lanes)
        yield f"Fork and Add lanes={lanes} bits={bits} out={out}", Graph(input_of((4, 4, 2 * lanes), IntType(bits, signed=True)), (fork, add), ("y",))
    for lanes, bits, shift, out in _PRODUCTS:
        yield f"Fork and Multiply lanes={lanes} bits={bits} shift={shift} out={out}", multiply(lanes, bits, shift, out)
    for lanes, channels, bits, shift, out in _GATES:
        yield (
            f"Fork, GlobalSum and ChannelGate lanes={lanes} C={channels} bits={bits} shift={shift} out={out}",
            gate(lanes, channels, bits, shift, out),
        )
    for lanes, channels, bits in _CONCATS:
        fork = Fork(name="fork", inputs=("x",), outputs=("a", "b"), lanes=lanes)
        concat = Concat(name="concat", inputs=("a", "b"), outputs=("y",), lanes=lanes)
        graph = Graph(input_of((4, 4, channels), stream_type(bits, signed=True)), (fork, concat), ("y",))
        yield f"Fork and Concat lanes={lanes} C={channels} bits={bits}", graph
