"""The parameter matrix of every library cell: the configurations in which it is proven, edges first, then random ones."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes import (
    Add,
    Affine,
    ArgMax,
    ChannelGate,
    Concat,
    Fifo,
    Fork,
    GlobalSum,
    IntMatVec,
    MaxPool,
    Multiply,
    Pad,
    SlidingWindow,
    SumPool,
    Table,
    Threshold,
    WidthConverter,
    XnorMatVec,
)
from xnorflow.hw.nodes.mat_vec import Border
from xnorflow.hw.types import BIPOLAR, IntType
from xnorflow.sim.bench.plan import CellCase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xnorflow.hw.types import IntArray

S1, S2, S3, S4, S8, S16, S20 = (IntType(bits, signed=True) for bits in (1, 2, 3, 4, 8, 16, 20))
U1, U2, U3, U8, U32 = (IntType(bits, signed=False) for bits in (1, 2, 3, 8, 32))
RANDOM = 6  # random configurations a cell, besides the edges


def _case(node: HardwareNode, shape: tuple[int, ...], dtype: IntType, detail: str, *others: IntType) -> CellCase:
    size, types = "x".join(map(str, shape)), (dtype, *others)
    name = f"{node.op} on {' and '.join(t.name for t in types)} {size}, {node.in_lanes} to {node.out_lanes} lanes, {detail}"
    return CellCase(name, node, tuple(StreamType(shape, t) for t in types))


def _values(dtype: IntType, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    return dtype.decode(rng.integers(0, 1 << dtype.bits, shape).astype(np.uint64))


def _divisor(n: int, rng: np.random.Generator) -> int:
    return int(rng.choice([d for d in range(1, n + 1) if n % d == 0]))


def _dtype(rng: np.random.Generator, most: int) -> IntType:
    kind, bits = int(rng.integers(0, 3)), int(rng.integers(1, most, endpoint=True))
    return BIPOLAR if kind == 0 else IntType(bits, signed=kind == 1)


def _ints(rng: np.random.Generator, low: int, high: int, n: int) -> list[int]:
    return [int(v) for v in rng.integers(low, high, n, endpoint=True)]


def fifo(rng: np.random.Generator) -> Iterator[CellCase]:
    """In block RAM, and in LUTs: depths from the least on, powers of two and not, one bit and many."""
    for depth, shape in ((67, (3, 4, 5)), (129, (4, 4, 5))):  # frames so long that stalls fill the FIFO
        node = Fifo(name="n", inputs=("x",), outputs=("y",), depth=depth, lanes=1)
        assert node.cell((StreamType(shape, U32),)).parameters["Block"]
        yield _case(node, shape, U32, f"depth {depth}, block RAM")
    for depth, lanes, dtype in ((2, 1, BIPOLAR), (3, 2, S3), (4, 4, U32), (5, 1, S8), (9, 2, U1), (17, 4, S4), (int(rng.integers(6, 40)), 3, U3)):
        yield _case(Fifo(name="n", inputs=("x",), outputs=("y",), depth=depth, lanes=lanes), (12,), dtype, f"depth {depth}")


def width_converter(rng: np.random.Generator) -> Iterator[CellCase]:
    """Equal, wider and narrower; ratios 2, 3 and more; frames of one beat."""
    pairs = [(1, 1), (1, 2), (2, 1), (2, 6), (6, 2), (1, 12), (12, 1), (4, 12), (12, 4), (12, 12), (3, 6), (6, 3)]
    for a, b in pairs:
        node = WidthConverter(name="n", inputs=("x",), outputs=("y",), lanes_in=a, lanes_out=b)
        yield _case(node, (12,), (BIPOLAR, U3, S8)[int(rng.integers(0, 3))], "regrouped")


def pad(rng: np.random.Generator) -> Iterator[CellCase]:
    """No border, one side, all sides; one pixel; a value for each channel."""
    fixed = [
        ((2, 3, 4), 2, S3, (1, 1, 1, 1)),
        ((1, 1, 1), 1, BIPOLAR, (2, 0, 0, 1)),
        ((3, 3, 2), 2, U8, (0, 0, 0, 0)),
        ((1, 1, 3), 1, S2, (3, 2, 1, 4)),
    ]
    for _ in range(RANDOM):
        h, w, c = _ints(rng, 1, 4, 3)
        top, bottom, left, right = _ints(rng, 0, 3, 4)
        fixed.append(((h, w, c), _divisor(c, rng), _dtype(rng, 8), (top, bottom, left, right)))
    for shape, lanes, dtype, (top, bottom, left, right) in fixed:
        value = _values(dtype, (shape[2],), rng)
        node = Pad(name="n", inputs=("x",), outputs=("y",), top=top, bottom=bottom, left=left, right=right, value=value, lanes=lanes)
        yield _case(node, shape, dtype, f"borders {top} {bottom} {left} {right}")


def sliding_window(rng: np.random.Generator) -> Iterator[CellCase]:
    """Kernels 1 to 5, strides that skip rows, dilation, images as large as the kernel, rows that no window uses."""
    fixed = [
        ((5, 5, 2), 2, BIPOLAR, (3, 3), (1, 1), (1, 1)),
        ((4, 6, 4), 2, S2, (2, 2), (2, 2), (1, 1)),
        ((5, 7, 1), 1, U3, (3, 1), (2, 3), (1, 1)),
        ((7, 5, 2), 1, BIPOLAR, (3, 3), (1, 1), (2, 2)),
        ((1, 1, 1), 1, BIPOLAR, (1, 1), (1, 1), (1, 1)),
        ((1, 1, 3), 1, U8, (1, 1), (1, 1), (1, 1)),
        ((5, 5, 2), 2, S4, (5, 5), (1, 1), (1, 1)),
        ((7, 7, 1), 1, U2, (1, 1), (2, 2), (1, 1)),
        ((7, 4, 1), 1, U2, (1, 1), (3, 1), (1, 1)),
        ((4, 4, 1), 1, U2, (3, 3), (2, 2), (1, 1)),
    ]
    while len(fixed) < 10 + RANDOM:
        h, w, c = _ints(rng, 1, 7, 2) + _ints(rng, 1, 4, 1)
        kh, kw, sh, sw, dh, dw = _ints(rng, 1, 4, 2) + _ints(rng, 1, 3, 2) + _ints(rng, 1, 2, 2)
        if (kh - 1) * dh < h and (kw - 1) * dw < w:
            fixed.append(((h, w, c), _divisor(c, rng), _dtype(rng, 4), (kh, kw), (sh, sw), (dh, dw)))
    for shape, lanes, dtype, kernel, stride, dilation in fixed:
        node = SlidingWindow(name="n", inputs=("x",), outputs=("y",), kernel=kernel, stride=stride, dilation=dilation, lanes=lanes)
        yield _case(node, shape, dtype, f"kernel {kernel}, stride {stride}, dilation {dilation}")


def _border(height: int, width: int, mh: int, rng: np.random.Generator) -> Border:
    """Any classes, not only those of a padded convolution."""
    rows, cols = rng.integers(0, 3, height), rng.integers(0, 3, width)
    table = rng.integers(-9, 10, (int(rows.max()) + 1, int(cols.max()) + 1, mh))
    return Border(rows.astype(np.int64), cols.astype(np.int64), table.astype(np.int64))


_MATRICES = [
    # shape, rows, PE, SIMD: one element, PE = SIMD = 1, fully unrolled, folds of one and of many, with the tight 2 x 1 fold
    ((1,), 1, 1, 1),
    ((1,), 2, 1, 1),
    ((3,), 2, 1, 1),
    ((6,), 6, 1, 1),
    ((6,), 6, 6, 6),
    ((6,), 4, 2, 3),
    ((6,), 4, 4, 2),
    ((5,), 3, 1, 5),
    ((2, 3, 6), 4, 2, 2),
    ((2, 2, 4), 3, 3, 4),
]


def _matrices(rng: np.random.Generator) -> Iterator[tuple[tuple[int, ...], int, int, int, Border | None]]:
    for shape, mh, pe, simd in _MATRICES:
        yield shape, mh, pe, simd, None
    yield (3, 4, 4), 4, 2, 2, _border(3, 4, 4, rng)
    yield (1, 1, 4), 4, 4, 2, _border(1, 1, 4, rng)
    yield (2, 3, 6), 4, 4, 6, _border(2, 3, 4, rng)
    for _ in range(RANDOM):
        h, w, mw, mh = _ints(rng, 1, 3, 2) + _ints(rng, 1, 12, 2)
        yield (h, w, mw), mh, _divisor(mh, rng), _divisor(mw, rng), _border(h, w, mh, rng) if rng.integers(0, 2) else None


def xnor_mat_vec(rng: np.random.Generator) -> Iterator[CellCase]:
    """Foldings, with and without a border; a wide layer whose popcount is no power of two; the same with thresholds, some of which decide alone."""
    cases = [*_matrices(rng), ((75,), 4, 2, 25, None)]
    for signs, (shape, mh, pe, simd, border) in product((False, True), cases):
        weights, mw = _values(BIPOLAR, (mh, shape[-1]), rng), shape[-1]
        thresholds = rng.integers(-mw // 2, mw // 2 + 2, mh) if signs else None
        if thresholds is not None and mh > 2:
            thresholds[:2] = mw + 1, -mw
        node = XnorMatVec(
            name="n", inputs=("x",), outputs=("y",), weights=weights, weight_type=BIPOLAR, pe=pe, simd=simd, border=border, thresholds=thresholds
        )
        yield _case(node, shape, BIPOLAR, f"{mh} rows{', border' if border else ''}{', signs' if signs else ''}")


def int_mat_vec(rng: np.random.Generator) -> Iterator[CellCase]:
    """The same foldings over mixed types: bipolar, unsigned, signed; 1 to 16 bits by 1 to 8; weights of zero."""
    types = [(U8, BIPOLAR), (S16, S8), (BIPOLAR, S4), (S4, U3), (S1, S1), (BIPOLAR, BIPOLAR), (U1, U1), (S3, S2), (U2, S3), (U8, S8)]
    for number, (shape, mh, pe, simd, border) in enumerate(_matrices(rng)):
        dtype, weight_type = types[number % len(types)] if number < 13 else (_dtype(rng, 16), _dtype(rng, 8))
        weights = _values(weight_type, (mh, shape[-1]), rng)
        if number == 5:
            weights[:] = 0 if not weight_type.bipolar else -1
        node = IntMatVec(name="n", inputs=("x",), outputs=("y",), weights=weights, weight_type=weight_type, pe=pe, simd=simd, border=border)
        yield _case(node, shape, dtype, f"{mh} rows of {weight_type.name}{', border' if border else ''}")
    zero = IntMatVec(name="n", inputs=("x",), outputs=("y",), weights=np.zeros((2, 3), dtype=np.int64), weight_type=S2, pe=1, simd=1)
    yield _case(zero, (3,), U2, "all weights 0")


def threshold(rng: np.random.Generator) -> Iterator[CellCase]:
    """One to seven levels, none, thresholds that always or never pass, negated channels, bipolar, unsigned and signed codes."""
    fixed = [(4, 1, S4, 1, BIPOLAR), (4, 4, S4, 1, BIPOLAR), (6, 2, S8, 3, U2), (4, 2, U3, 0, BIPOLAR), (3, 3, BIPOLAR, 1, BIPOLAR)]
    fixed += [(3, 1, S1, 1, U1), (4, 4, U8, 7, S3), (2, 1, S20, 3, S2), (1, 1, U1, 2, U2)]
    for _ in range(RANDOM):
        channels, levels = _ints(rng, 1, 8, 2)
        fixed.append((channels, _divisor(channels, rng), _dtype(rng, 10), levels, S4))
    for channels, lanes, dtype, levels, out_type in fixed:
        low, high = dtype.minimum - 2, dtype.maximum + 3
        t = np.sort(rng.integers(-high, high, (channels, levels), dtype=np.int64), axis=1)
        t[0, :1], t[-1, -1:] = min(low, -high), high
        negate = rng.integers(0, 2, channels) > 0
        base, step = (-1, 2) if out_type.bipolar else (out_type.minimum, 1)
        node = Threshold(name="n", inputs=("x",), outputs=("y",), thresholds=t, negate=negate, base=base, step=step, out_type=out_type, lanes=lanes)
        yield _case(node, (2, 2, channels), dtype, f"{levels} levels to {out_type.name}")


def table(rng: np.random.Generator) -> Iterator[CellCase]:
    """Shared by all channels or one for each, one fold and many, one bit and eight."""
    fixed = [
        (4, 2, U3, True, S4),
        (4, 2, S3, False, U2),
        (4, 4, BIPOLAR, False, BIPOLAR),
        (4, 1, S2, False, U8),
        (1, 1, U8, True, S8),
        (3, 3, U1, True, BIPOLAR),
    ]
    for channels, lanes, dtype, shared, out_type in fixed:
        values = _values(out_type, (1 if shared else channels, 1 << dtype.bits), rng)
        node = Table(name="n", inputs=("x",), outputs=("y",), values=values, out_type=out_type, lanes=lanes)
        yield _case(node, (2, 2, channels), dtype, f"{'shared' if shared else 'own'} table to {out_type.name}")


def max_pool(rng: np.random.Generator) -> Iterator[CellCase]:
    """Bipolar, signed and unsigned; one tap; one beat and several a pixel."""
    fixed = [
        ((2, 2, 4), 2, BIPOLAR, 4),
        ((1, 2, 3), 1, S4, 9),
        ((2, 2, 2), 2, U3, 2),
        ((2, 1, 1), 1, S1, 3),
        ((2, 2, 2), 1, U8, 1),
        ((1, 1, 1), 1, U1, 1),
    ]
    for _ in range(RANDOM):
        h, w, c, taps = _ints(rng, 1, 4, 4)
        fixed.append(((h, w, c), _divisor(c, rng), _dtype(rng, 8), taps))
    for (h, w, c), lanes, dtype, taps in fixed:
        yield _case(MaxPool(name="n", inputs=("x",), outputs=("y",), taps=taps, lanes=lanes), (h, w, taps * c), dtype, f"{taps} taps")


def sum_pool(rng: np.random.Generator) -> Iterator[CellCase]:
    """Windows and whole images; bipolar, signed and unsigned; one tap; one beat and several a pixel."""
    fixed = [
        ((2, 2, 4), 2, BIPOLAR, 4),
        ((1, 2, 3), 1, S4, 9),
        ((2, 2, 2), 2, U3, 2),
        ((2, 1, 1), 1, S1, 3),
        ((2, 2, 2), 1, U8, 1),
        ((1, 1, 1), 1, U1, 1),
        ((1, 1, 2), 2, BIPOLAR, 1),
    ]
    for _ in range(RANDOM):
        h, w, c, taps = _ints(rng, 1, 4, 4)
        fixed.append(((h, w, c), _divisor(c, rng), _dtype(rng, 8), taps))
    for (h, w, c), lanes, dtype, taps in fixed:
        yield _case(SumPool(name="n", inputs=("x",), outputs=("y",), taps=taps, lanes=lanes), (h, w, taps * c), dtype, f"{taps} taps")
        yield _case(GlobalSum(name="n", inputs=("x",), outputs=("y",), lanes=lanes), (h, w, c), dtype, "whole image")


def argmax(rng: np.random.Generator) -> Iterator[CellCase]:
    """One class, ties everywhere (one-bit types), all lanes at once and one at a time."""
    fixed = [(10, 1, S4), (10, 5, U3), (10, 10, S3), (1, 1, S8), (3, 1, BIPOLAR), (2, 2, S1), (7, 7, U1), (16, 4, S20)]
    for _ in range(RANDOM):
        channels = int(rng.integers(1, 20))
        fixed.append((channels, _divisor(channels, rng), _dtype(rng, 6)))
    for channels, lanes, dtype in fixed:
        yield _case(ArgMax(name="n", inputs=("x",), outputs=("y",), lanes=lanes), (channels,), dtype, "index")


def fork(rng: np.random.Generator) -> Iterator[CellCase]:
    """Two to four readers, one bit and many."""
    for outputs, lanes, dtype in ((2, 1, BIPOLAR), (2, 3, S8), (3, 2, U3), (4, 6, S4), (2, 6, U32), (5, 1, U1)):
        node = Fork(name="n", inputs=("x",), outputs=tuple(f"y{i}" for i in range(outputs)), lanes=lanes)
        yield _case(node, (1, int(rng.integers(1, 4)), 6), dtype, f"{outputs} readers")


def add(rng: np.random.Generator) -> Iterator[CellCase]:
    """Signed, unsigned and bipolar operands of equal and other widths; sums that fit, that saturate, and to one bit."""
    fixed = [(4, 2, S8, S8, S8), (4, 4, S8, S4, S16), (3, 1, U3, U8, U8), (2, 2, BIPOLAR, BIPOLAR, S3), (1, 1, S4, U3, U2)]
    fixed += [(2, 1, U8, S8, S4), (2, 2, S3, S3, S1), (3, 3, S20, S20, S20), (2, 1, U1, U1, U1), (1, 1, U32, U32, U32)]
    for _ in range(RANDOM):
        channels, out = int(rng.integers(1, 6)), _dtype(rng, 12)
        fixed.append((channels, _divisor(channels, rng), _dtype(rng, 10), _dtype(rng, 10), S4 if out.bipolar else out))
    for channels, lanes, a, b, out in fixed:
        node = Add(name="n", inputs=("a", "b"), outputs=("y",), out_type=out, lanes=lanes)
        yield _case(node, (2, 2, channels), a, f"to {out.name}", b)


def multiply(rng: np.random.Generator) -> Iterator[CellCase]:
    """Every pair of kinds, shifts of nothing and of all, products that fit, that saturate, and to one bit; the widest product."""
    fixed = [(4, 2, S8, S8, 7, S8), (4, 4, S8, U3, 0, S16), (3, 1, U3, U8, 4, U8), (2, 2, BIPOLAR, BIPOLAR, 0, S2), (1, 1, S4, U3, 2, U2)]
    fixed += [(2, 1, BIPOLAR, U8, 0, S8), (2, 2, S3, S3, 1, S1), (3, 3, S20, S16, 20, S16), (2, 1, U1, U1, 0, U1), (2, 1, S1, S8, 40, S3)]
    fixed += [(1, 1, U32, IntType(29, signed=True), 30, U32), (2, 2, U1, S4, 0, S8)]
    for _ in range(RANDOM):
        channels, out = int(rng.integers(1, 6)), _dtype(rng, 12)
        a, b, shift = _dtype(rng, 10), _dtype(rng, 10), int(rng.integers(0, 12))
        fixed.append((channels, _divisor(channels, rng), a, b, shift, S4 if out.bipolar else out))
    for channels, lanes, a, b, shift, out in fixed:
        node = Multiply(name="n", inputs=("a", "b"), outputs=("y",), shift=shift, out_type=out, lanes=lanes)
        yield _case(node, (2, 2, channels), a, f"shift {shift}, to {out.name}", b)


def channel_gate(rng: np.random.Generator) -> Iterator[CellCase]:
    """One pixel and many, one beat a pixel and many; frames shorter than the pipeline; every pair of kinds."""
    fixed = [((2, 2, 4), 2, S8, U3, 2, S8), ((1, 1, 1), 1, S4, U3, 0, S8), ((1, 2, 1), 1, U8, S3, 3, S4), ((1, 1, 2), 1, S8, S8, 7, S8)]
    fixed += [
        ((3, 1, 3), 1, BIPOLAR, U8, 0, S8),
        ((2, 3, 4), 4, S3, BIPOLAR, 0, S3),
        ((4, 3, 6), 2, S20, S16, 20, S16),
        ((1, 1, 3), 3, U1, U1, 0, U1),
    ]
    for _ in range(RANDOM):
        h, w, c = _ints(rng, 1, 4, 2) + _ints(rng, 1, 6, 1)
        x, gate, out, shift = _dtype(rng, 10), _dtype(rng, 10), _dtype(rng, 12), int(rng.integers(0, 12))
        fixed.append(((h, w, c), _divisor(c, rng), x, gate, shift, S4 if out.bipolar else out))
    for shape, lanes, x, gate, shift, out in fixed:
        node = ChannelGate(name="n", inputs=("x", "g"), outputs=("y",), shift=shift, out_type=out, lanes=lanes)
        case = _case(node, shape, x, f"shift {shift}, to {out.name}", gate)
        yield replace(case, ins=(case.ins[0], StreamType((1, 1, shape[2]), gate)))


def concat(rng: np.random.Generator) -> Iterator[CellCase]:
    """One beat a pixel and many, powers of two and not; one pixel; one bit and many."""
    fixed = [((2, 2, 4), 2, S8), ((1, 1, 1), 1, BIPOLAR), ((2, 1, 3), 1, U3), ((1, 3, 4), 4, S4), ((6,), 1, BIPOLAR), ((2, 2, 2), 1, U32)]
    for _ in range(RANDOM):
        h, w, c = _ints(rng, 1, 3, 2) + _ints(rng, 1, 9, 1)
        fixed.append(((h, w, c), _divisor(c, rng), _dtype(rng, 8)))
    for shape, lanes, dtype in fixed:
        node = Concat(name="n", inputs=("a", "b"), outputs=("y",), lanes=lanes)
        yield _case(node, shape, dtype, "side by side", dtype)


def affine(rng: np.random.Generator) -> Iterator[CellCase]:
    """One slope and two, one fold and many, every kind of number, shifts of nothing and of all, products of both signs."""
    fixed = [(4, 1, S8, 1, 4, S8), (4, 4, S8, 2, 4, S8), (6, 2, S4, 2, 0, S16), (3, 3, U8, 1, 7, U3), (2, 1, BIPOLAR, 1, 1, S4)]
    fixed += [(2, 2, U1, 2, 0, S2), (4, 2, S20, 1, 12, S16), (1, 1, U3, 2, 3, U8), (3, 1, S3, 1, 40, S3), (2, 2, S16, 2, 14, S1)]
    for _ in range(RANDOM):
        channels, out = int(rng.integers(1, 7)), _dtype(rng, 12)
        pieces, shift = _ints(rng, 1, 2, 1) + _ints(rng, 0, 9, 1)
        fixed.append((channels, _divisor(channels, rng), _dtype(rng, 10), pieces, shift, S8 if out.bipolar else out))
    for channels, lanes, dtype, pieces, shift, out in fixed:
        reach = 1 << min(shift + 2, 12)
        mul, extra = rng.integers(-reach, reach, (channels, pieces)), rng.integers(-4 * reach, 4 * reach, (channels, pieces))
        knee = rng.integers(dtype.minimum - 2, dtype.maximum + 3, channels if pieces == 2 else 0)
        node = Affine(name="n", inputs=("x",), outputs=("y",), mul=mul, add=extra, knee=knee, shift=shift, out_type=out, lanes=lanes)
        yield _case(node, (2, 2, channels), dtype, f"{pieces} pieces, shift {shift}, to {out.name}")


MATRIX: dict[str, Callable[[np.random.Generator], Iterator[CellCase]]] = {
    "xf_add": add,
    "xf_affine": affine,
    "xf_argmax": argmax,
    "xf_channel_gate": channel_gate,
    "xf_concat": concat,
    "xf_fifo": fifo,
    "xf_fork": fork,
    "xf_matvec_int": int_mat_vec,
    "xf_matvec_xnor": xnor_mat_vec,
    "xf_max_pool": max_pool,
    "xf_multiply": multiply,
    "xf_pad": pad,
    "xf_sliding_window": sliding_window,
    "xf_sum_pool": sum_pool,
    "xf_table": table,
    "xf_threshold": threshold,
    "xf_width_converter": width_converter,
}


def cell_cases(cell: str, seed: int) -> list[CellCase]:
    """All configurations of a cell; the seed draws weights, thresholds and the random configurations."""
    return list(MATRIX[cell](np.random.default_rng(seed)))
