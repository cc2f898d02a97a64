"""Resources of the pieces that cells are made of: ROMs, LUT RAMs, FIFOs, counters, popcounts.

Structure follows ``hw/rtl``; the factors are fitted to Yosys (``synth_xilinx -family xc7``) by
``benchmarks/calibrate_resources.py``, whose table a test compares these formulas with.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from xnorflow.hw.cell import Resources

if TYPE_CHECKING:
    from collections.abc import Iterable

_BRAM18_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
_BRAM18_COST, _ROM_BIT_COST = 129, 1 / 64  # Yosys weighs a block RAM against a ROM in LUTs by these

_ROM_BITS_PER_LUT = 15  # measured; a LUT could hold 64, but Yosys maps ROMs as logic


def bits_for(count: int) -> int:
    """Width of a counter over ``count`` values, at least 1."""
    return max(1, (count - 1).bit_length())


def total(parts: Iterable[Resources]) -> Resources:
    """Sum of any number of pieces."""
    return sum(parts, Resources())


def counter(count: int) -> Resources:
    """A counter that wraps after ``count`` steps."""
    if count <= 1:
        return Resources()
    bits = bits_for(count)
    return Resources(lut=1.5 * bits + 1, ff=bits)


def rom(width: int, depth: int) -> Resources:
    """``xf_rom``: a constant where there is one word, else block RAM or LUTs, whichever Yosys finds cheaper."""
    if depth <= 1:
        return Resources()
    blocks = _blocks(width, depth)
    if width * depth * _ROM_BIT_COST > blocks * _BRAM18_COST:
        return Resources(bram18=blocks)
    return Resources(lut=width * depth / _ROM_BITS_PER_LUT, ff=width)


def _blocks(width: int, depth: int) -> int:
    return min(ceil(depth / rows) * ceil(width / columns) for rows, columns in _BRAM18_SHAPES)


def lut_ram(width: int, depth: int) -> Resources:
    """A memory of ``depth`` words with one write port and one asynchronous read port, in distributed RAM."""
    if depth <= 32:
        return Resources(lut=4 * ceil(width / 6))
    banks = ceil(depth / 64)
    return Resources(lut=4 * ceil(width / 3) * banks + width * (banks - 1) / 2)


def ram(width: int, depth: int) -> Resources:
    """A memory whose read data are registered: block RAM or distributed RAM, whichever Yosys finds cheaper."""
    blocks = _blocks(width, depth)
    distributed = lut_ram(width, depth)
    if 2 * distributed.lut > blocks * _BRAM18_COST:
        return Resources(bram18=blocks)
    return distributed + Resources(ff=width)


def fifo(width: int, depth: int) -> Resources:
    """``xf_fifo``: an output register behind a ring of ``depth - 1`` words."""
    control = Resources(lut=6 + width, ff=2 + width) + counter(depth)
    if depth <= 2:
        return control + Resources(ff=width)
    return control + lut_ram(width, depth - 1) + counter(depth - 1) + counter(depth - 1)


def queue(width: int, depth: int) -> Resources:
    """``xf_queue``: a FIFO with a credit counter."""
    return fifo(width, depth) + counter(depth + 1)


def adder(bits: int) -> Resources:
    """A carry-chain adder without a register."""
    return Resources(lut=bits)


def popcount(width: int) -> Resources:
    """``xf_popcount``, as Yosys builds it from the behavioural description."""
    return Resources(lut=1.1 * width if width > 1 else 0.0)


def width_converter(in_bits: int, out_bits: int) -> Resources:
    """``xf_width_converter``: the wide word twice, and a multiplexer where it is taken apart."""
    if in_bits == out_bits:
        return fifo(in_bits, 2)
    ratio = max(in_bits, out_bits) // min(in_bits, out_bits)
    if in_bits < out_bits:
        return Resources(lut=3, ff=2 * out_bits - in_bits + 1) + counter(ratio)
    return Resources(lut=4 + in_bits + out_bits, ff=in_bits + out_bits + 1) + counter(ratio + 1)


def threshold(lanes: int, folds: int, in_bits: int, out_bits: int, levels: int) -> Resources:
    """``xf_threshold``: a comparator for each level, their count, the ROM of thresholds, an output queue."""
    memory = rom(lanes * (levels * (in_bits + 1) + 1), folds)
    compare = Resources(lut=(levels * in_bits * (0.5 if folds == 1 else 1.0)) + (levels - 1) * out_bits, ff=in_bits) * lanes
    return memory + compare + queue(lanes * out_bits, 3) + counter(folds) + Resources(lut=1, ff=1)


def feed(bits: int, sf: int, nf: int) -> Resources:
    """``xf_matvec_feed``: two vectors of LUT RAM where rows are folded, else nothing but a counter."""
    if nf == 1:
        return counter(sf) + Resources(lut=2)
    pointers = counter(2 * sf) + counter(2 * sf) + counter(sf) + counter(sf) + counter(sf * nf)
    return lut_ram(bits, 2 * sf) + pointers + Resources(lut=8, ff=2)


def accumulator(bits: int, sf: int) -> Resources:
    """Sum register of one PE, and the choice between it and the start value."""
    return Resources(lut=bits if sf > 1 else bits / 2, ff=bits)


def xnor_popcount(simd: int, *, constant: bool) -> Resources:
    """Products and count of one PE with its register; XNORs with constant weights vanish."""
    products = Resources() if constant else Resources(lut=0.5 * simd)
    return products + popcount(simd) + Resources(ff=bits_for(simd + 1))


def pad(bits: int, counts: tuple[int, ...]) -> Resources:
    """``xf_pad``: row, column and beat counters in front of a two-deep FIFO."""
    return fifo(bits, 2) + total(counter(count + 2) for count in counts) + Resources(lut=8 + bits / 2)


def sliding_window(bits: int, rows: int, row_words: int, counts: tuple[int, ...]) -> Resources:
    """``xf_sliding_window``: a ring of rows, the counters of its loops, and the addresses they move."""
    address, column = bits_for(rows * row_words + 1), bits_for(row_words + 1)
    control = Resources(lut=7 * address + 5 * column + 20, ff=3 * address + 3 * column + 6)
    return ram(bits, rows * row_words) + queue(bits, 3) + control + total(counter(count) for count in counts)


def max_pool(lanes: int, bits: int, beats: int, taps: int) -> Resources:
    """``xf_max_pool``: a comparator for each lane, and LUT RAM for the best so far of the other beats."""
    kept = Resources(ff=lanes * bits) if beats == 1 else lut_ram(lanes * bits, beats)
    compare = Resources(lut=lanes * (1 if bits == 1 else 1.5 * bits))
    return kept + compare + counter(beats) + counter(taps) + fifo(lanes * bits, 2)


def table(lanes: int, out_bits: int, words: int, folds: int) -> Resources:
    """``xf_table``: a ROM for each lane."""
    return rom(out_bits, words) * lanes + counter(folds) + queue(lanes * out_bits, 3) + Resources(lut=1, ff=1)


def argmax(lanes: int, bits: int, channels: int) -> Resources:
    """``xf_argmax``: a chain of comparators over the lanes, one more for the best so far, and the index."""
    index = bits_for(channels)
    compare = Resources(lut=1.5 * bits + index, ff=0) * lanes
    return compare + counter(channels // lanes) + queue(index, 3 if channels == lanes else 2) + Resources(lut=2, ff=2 * bits + 2 * index + 3)


def integer_products(simd: int, x_bits: int, w_bits: int, acc_bits: int, *, constant: bool) -> Resources:
    """Products and sum of one integer PE with its register; a DSP for each product of two multi-bit numbers."""
    exact = min(acc_bits, x_bits + w_bits + 1 + bits_for(simd + 1))
    tree = Resources(lut=simd * (x_bits + w_bits), ff=exact)
    if w_bits == 1 or x_bits == 1:
        return tree + Resources(lut=0.0 if constant else simd * (x_bits + w_bits) / 2)
    return tree + Resources(dsp=simd)
