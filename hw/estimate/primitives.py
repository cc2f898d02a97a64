"""Resources of the pieces that cells are made of: ROMs, RAMs, FIFOs, counters.

Structure follows ``hw/rtl``; the factors are fitted to Yosys (``synth_xilinx -family xc7``) by
``benchmarks/calibrate_resources.py``, whose table a test compares these formulas with.
"""

from __future__ import annotations

from math import ceil, expm1
from typing import TYPE_CHECKING

from xnorflow.hw.cell import Resources

if TYPE_CHECKING:
    from collections.abc import Iterable

_BRAM18_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
# How Yosys weighs a block RAM against a ROM bit in LUTs and against four LUTs of distributed RAM.
_BRAM18_COST, _ROM_BIT_COST, _LUT_RAM_COST = 129, 1 / 64, 8
BLOCK_PRICE = 100  # LUTs that a BRAM18 is worth: about their ratio in small devices
_LUT_WORDS, _PAIR_WORDS = 64, 32  # words of a column in one LUT6, and of two columns
RANDOM_BITS_PER_LUT = 14.6  # a LUT could hold 64 bits of ROM, but Yosys maps ROMs as logic


def bits_for(count: int) -> int:
    """Width of a counter over ``count`` values, at least 1."""
    return max(1, (count - 1).bit_length())


def total(parts: Iterable[Resources]) -> Resources:
    """Sum of any number of pieces."""
    return sum(parts, Resources())


def counter(count: int) -> Resources:
    """A counter that wraps after ``count`` steps: from three bits on a carry chain counts, and LUTs only find its end."""
    if count <= 1:
        return Resources()
    bits = bits_for(count)
    if bits <= 2:
        return Resources(lut=bits, ff=bits)
    return Resources(lut=0 if count == 1 << bits else max(2.0, 0.5 * bits + 0.5), ff=bits)


def frame_end(beats: int) -> Resources:
    """``xf_axis_out``: the counter that marks a frame's last beat."""
    return counter(beats) + Resources(lut=2 if beats > 1 else 0)


def rom(width: int, depth: int, bits_per_lut: float = RANDOM_BITS_PER_LUT) -> Resources:
    """``xf_rom``: a constant where there is one word, else block RAM or LUTs, whichever Yosys finds cheaper.

    Columns of a short ROM are often equal, and equal ones are stored once.
    """
    if depth <= 1:
        return Resources()
    rows, blocks = _blocks(width, depth, packed=True)
    if width * depth * _ROM_BIT_COST > blocks * _BRAM18_COST:
        return Resources(lut=0.55 * width * (ceil(depth / rows) - 1), bram18=blocks)
    distinct = _distinct(width, depth)
    return Resources(lut=distinct * depth / bits_per_lut, ff=distinct)


def rom_apart(width: int, depth: int, *, paired: bool) -> Resources:
    """``xf_rom_memory``: block RAM where a block saves its price in LUTs, else a LUT for each 64 words of a column.

    Args:
        width: bits of a word.
        depth: words.
        paired: two columns of at most 32 words share a LUT.
    """
    if depth <= 1:
        return Resources()
    block_width = next((columns for rows, columns in _BRAM18_SHAPES[:4] if depth <= rows), 2)
    if width * ceil(depth / _LUT_WORDS) > ceil(width / block_width) * BLOCK_PRICE:
        rows, blocks = _blocks(width, depth, packed=True)
        return Resources(lut=0.55 * width * (ceil(depth / rows) - 1), bram18=blocks)
    distinct = _distinct(width, depth)
    return Resources(lut=distinct / 2 if paired and depth <= _PAIR_WORDS else distinct * ceil(depth / _LUT_WORDS), ff=distinct)


def _distinct(width: int, depth: int) -> float:
    """Different columns to expect among random ones; equal ones are stored once."""
    patterns = 2.0 ** min(depth, 64)
    return -patterns * expm1(-width / patterns)


def _blocks(width: int, depth: int, *, packed: bool = False) -> tuple[int, int]:
    """Rows of the cheapest block RAM shape, and how many BRAM18 it takes.

    Args:
        width: bits of a word.
        depth: words.
        packed: banks of a memory that is only read lie side by side in a row.
    """
    if packed:
        blocks, rows = min((ceil(width * ceil(depth / rows) / columns), -rows) for rows, columns in _BRAM18_SHAPES)
    else:
        blocks, rows = min((ceil(depth / rows) * ceil(width / columns), -rows) for rows, columns in _BRAM18_SHAPES)
    return -rows, blocks


def lut_ram(width: int, depth: int) -> Resources:
    """A memory of ``depth`` words with one write port and one asynchronous read port, in distributed RAM."""
    banks = ceil(depth / 64)
    return Resources(lut=4 * _quads(width, depth) + width * (banks - 1) / 2)


def _quads(width: int, depth: int) -> int:
    """Groups of four LUTs of distributed RAM: RAM32M holds 32 words of 6 bits, RAM64M 64 of 3."""
    return ceil(width / 6) if depth <= 32 else ceil(width / 3) * ceil(depth / 64)


def ram(width: int, depth: int) -> Resources:
    """A memory whose read data are registered (the register not counted): block RAM, distributed RAM or flip-flops."""
    distributed = _LUT_RAM_COST * _quads(width, depth)
    if in_block_ram(width, depth):
        rows, blocks = _blocks(width, depth)  # two of them make one of twice the rows
        return Resources(lut=0.55 * width * (ceil(depth / (2 * rows)) - 1), bram18=blocks)
    if width * depth <= distributed:
        return Resources(lut=0 if depth == 2 else depth + width * (depth - 2) / 2, ff=width * depth)
    return lut_ram(width, depth)


def in_block_ram(width: int, depth: int) -> bool:
    """Whether block RAM is cheaper than distributed RAM for a memory of ``depth`` words."""
    return _LUT_RAM_COST * _quads(width, depth) > _blocks(width, depth)[1] * _BRAM18_COST


def fifo(width: int, depth: int) -> Resources:
    """``xf_fifo``: an output register behind a ring of ``depth - 1`` words, in block RAM where :func:`in_block_ram` says so."""
    words, bits = depth - 1, bits_for(depth - 1)
    register = Resources(lut=width, ff=width + 1 + bits_for(depth))  # with the multiplexer and the count of words
    if words == 1:
        return register + Resources(lut=3, ff=width)
    ring = ram(width, words)
    pointers = Resources(lut={2: 10, 3: 13}.get(words, 11 + 2 * bits + (0 if words == 1 << bits else 3)), ff=2 * bits)
    if ring.bram18:  # the read pointer one cycle ahead, a register for the word that is read while it is written, a comparator
        return register + ring + pointers + Resources(lut=1.5 * bits, ff=width + 1)
    return register + ring + pointers + Resources(ff=bits)  # Yosys keeps the read pointer twice


def queue(width: int, depth: int) -> Resources:
    """``xf_queue``: a FIFO with a credit counter."""
    return fifo(width, depth) + Resources(lut=3 if depth <= 3 else 5.5, ff=bits_for(depth + 1))


def width_converter(in_bits: int, out_bits: int) -> Resources:
    """``xf_width_converter``: the wide word twice, and a multiplexer where it is taken apart."""
    if in_bits == out_bits:
        return fifo(in_bits, 2)
    ratio = max(in_bits, out_bits) // min(in_bits, out_bits)
    if in_bits < out_bits:
        return Resources(lut=4, ff=2 * out_bits - in_bits + 1) + counter(ratio)
    return Resources(lut=in_bits + (6 if ratio <= 3 else 10), ff=in_bits + out_bits + 1 + bits_for(ratio + 1))
