"""Random layers of configurations that the calibration has not seen: one node each, or a Fork and what joins its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.estimate import single_cells as single
from xnorflow.hw.estimate.calibration import cases
from xnorflow.hw.fifo_sizing import insert_fifos
from xnorflow.hw.folding.finn_json import divisors
from xnorflow.hw.nodes import GlobalSum, SlidingWindow, SumPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xnorflow.hw.graph import Graph

CHANNELS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
MOST_CYCLES = 4096  # a vector; keeps the simulation short
MOST_PRODUCTS = 1024  # a cycle; keeps the synthesis short
# How many of each kind.
KINDS = {"xnor": 15, "integer": 6, "threshold": 4, "affine": 3, "window": 3, "sum": 2, "gate": 2, "multiply": 2, "converter": 3}


def layers(seed: int) -> Iterator[tuple[str, str, Graph]]:
    """Kind, name and graph of 40 layers, the kinds in turn, with FIFOs where branches need them; the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    seen = {name for name, _ in cases()}
    for turn in range(max(KINDS.values())):
        for kind in (kind for kind, count in KINDS.items() if turn < count):
            name, graph = _DRAW[kind](rng)
            while name in seen:
                name, graph = _DRAW[kind](rng)
            seen.add(name)
            yield kind, name, insert_fifos(graph)[0]


def _pick(rng: np.random.Generator, *values: int) -> int:
    return int(rng.choice(values))


def _lanes(rng: np.random.Generator, count: int, most: int) -> int:
    return _pick(rng, *(d for d in divisors(count) if d <= most))


def _folding(rng: np.random.Generator, mw: int, mh: int, most: tuple[int, int]) -> tuple[int, int]:
    """SIMD and PE."""
    while True:
        simd, pe = _lanes(rng, mw, most[0]), _lanes(rng, mh, most[1])
        if simd * pe <= MOST_PRODUCTS and mw * mh // (simd * pe) <= MOST_CYCLES:
            return simd, pe


def _xnor(rng: np.random.Generator) -> tuple[str, Graph]:
    mw, mh = _pick(rng, 1, 9, 9) * _pick(rng, *CHANNELS), _pick(rng, 10, *CHANNELS)
    simd, pe = _folding(rng, mw, mh, (128, 32))
    border, sign = (bool(rng.random() < chance) for chance in (0.25, 0.5))
    name = f"XnorMatVec MW={mw} MH={mh} SIMD={simd} PE={pe}{' border' if border else ''}{' sign' if sign else ''}"
    return name, single.xnor(mw, mh, simd, pe, border=border, sign=sign)


def _integer(rng: np.random.Generator) -> tuple[str, Graph]:
    mw, mh = _pick(rng, 9, 25, 27, 32, 64, 96, 144, 256), _pick(rng, 8, 10, 16, 24, 32, 64)
    simd, pe = _folding(rng, mw, mh, (16, 8))
    shape = (mw, mh, simd, pe, _pick(rng, 2, 4, 8, 8, 9), _pick(rng, 1, 1, 2, 4, 8))
    return "IntMatVec MW={} MH={} SIMD={} PE={} x={} w={}".format(*shape), single.integer(*shape)


def _threshold(rng: np.random.Generator) -> tuple[str, Graph]:
    channels = _pick(rng, *CHANNELS)
    lanes, bits, levels = _lanes(rng, channels, 16), int(rng.integers(6, 15)), _pick(rng, 1, 1, 3, 7)
    return f"Threshold lanes={lanes} C={channels} bits={bits} levels={levels}", single.threshold(lanes, channels, bits, levels)


def _affine(rng: np.random.Generator) -> tuple[str, Graph]:
    channels, bits, pieces = _pick(rng, *CHANNELS), int(rng.integers(8, 15)), _pick(rng, 1, 2)
    lanes, mul, out = _lanes(rng, channels, 8), int(rng.integers(5, 13)), _pick(rng, 8, 9)
    name = f"Affine lanes={lanes} C={channels} bits={bits} pieces={pieces} mul={mul} out={out}"
    return name, single.affine(lanes, channels, bits, pieces, mul, out)


def _window(rng: np.random.Generator) -> tuple[str, Graph]:
    height, width, kernel = int(rng.integers(6, 33)), int(rng.integers(6, 33)), _pick(rng, 1, 2, 3, 3, 5)
    channels, bits = _pick(rng, 3, *CHANNELS[:8]), _pick(rng, 1, 1, 1, 2, 8)
    lanes, stride = _lanes(rng, channels, 64 // bits), _pick(rng, 1, 2)
    window = SlidingWindow(**single.PORTS, kernel=(kernel, kernel), stride=(stride, stride), lanes=lanes)
    name = f"SlidingWindow {height}x{width}x{channels} lanes={lanes} kernel={kernel} stride={stride} bits={bits}"
    return name, single.graph_of(window, (height, width, channels), single.stream_type(bits))


def _sum(rng: np.random.Generator) -> tuple[str, Graph]:
    channels, bits = _pick(rng, *CHANNELS), int(rng.integers(2, 12))
    lanes = _lanes(rng, channels, 16)
    if rng.random() < 0.5:
        taps = _pick(rng, 4, 9, 16)
        node = SumPool(**single.PORTS, taps=taps, lanes=lanes)
        graph = single.graph_of(node, (4, 4, taps * channels), single.stream_type(bits, signed=True))
        return f"SumPool taps={taps} C={channels} lanes={lanes} bits={bits}", graph
    size = _pick(rng, 4, 7, 8)
    whole = single.graph_of(GlobalSum(**single.PORTS, lanes=lanes), (size, size, channels), single.stream_type(bits, signed=True))
    return f"GlobalSum {size}x{size}x{channels} lanes={lanes} bits={bits}", whole


def _gate(rng: np.random.Generator) -> tuple[str, Graph]:
    channels, bits, shift = _pick(rng, *CHANNELS[:8]), int(rng.integers(3, 11)), int(rng.integers(2, 9))
    shape = _lanes(rng, channels, 8), channels, bits, shift, bits
    return "Fork, GlobalSum and ChannelGate lanes={} C={} bits={} shift={} out={}".format(*shape), single.gate(*shape)


def _multiply(rng: np.random.Generator) -> tuple[str, Graph]:
    lanes, bits = _pick(rng, 1, 2, 3, 4, 6, 8), int(rng.integers(3, 13))
    shape = lanes, bits, int(rng.integers(0, bits)), bits
    return "Fork and Multiply lanes={} bits={} shift={} out={}".format(*shape), single.multiply(*shape)


def _converter(rng: np.random.Generator) -> tuple[str, Graph]:
    narrow = _pick(rng, 1, 2, 3, 4, 8, 9, 16, 27)
    wide = narrow * int(rng.integers(2, 17))
    before, after = (narrow, wide) if rng.random() < 0.5 else (wide, narrow)
    return f"WidthConverter {before} to {after}", single.converter(before, after)


_DRAW: dict[str, Callable[[np.random.Generator], tuple[str, Graph]]] = {
    "xnor": _xnor,
    "integer": _integer,
    "threshold": _threshold,
    "affine": _affine,
    "window": _window,
    "sum": _sum,
    "gate": _gate,
    "multiply": _multiply,
    "converter": _converter,
}
