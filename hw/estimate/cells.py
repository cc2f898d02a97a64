"""Resources of whole cells, built from the pieces in :mod:`xnorflow.hw.estimate.primitives`."""

from __future__ import annotations

from xnorflow.hw.cell import Resources
from xnorflow.hw.estimate.primitives import bits_for, counter, fifo, lut_ram, queue, ram, rom, rom_apart, total
from xnorflow.hw.popcount.luts import popcount_luts, xnor_luts

_THRESHOLD_BITS_PER_LUT = 28.0  # ascending thresholds have like upper bits
_TABLE_BITS_PER_LUT = 55.0  # nothing around a table tempts Yosys to restructure it
_DSP_MINIMUM = 9  # bits of a product from which Yosys takes a DSP48


def threshold(lanes: int, folds: int, in_bits: int, out_bits: int, levels: int) -> Resources:
    """``xf_threshold``: a comparator for each level, their count, the ROM of thresholds, an output queue."""
    memory = rom(lanes * (levels * (in_bits + 1) + 1), folds, _THRESHOLD_BITS_PER_LUT)
    compare = Resources(lut=(levels * in_bits * (0.6 if folds == 1 else 1.0)) + (levels - 1) * out_bits, ff=in_bits) * lanes
    return memory + compare + queue(lanes * out_bits, 3) + counter(folds) + Resources(lut=1, ff=1)


def matvec_feed(bits: int, sf: int, nf: int) -> Resources:
    """``xf_replay`` of a matrix-vector cell: two vectors of RAM where rows are folded, else a counter; with the register behind it."""
    if nf == 1:
        return counter(sf) + Resources(lut=5 if sf > 1 else 2, ff=bits)
    ring = ram(bits, 2 * sf)
    register = Resources() if ring.bram18 else Resources(ff=bits)
    return ring + register + replay_control(2 * sf, sf, nf)


def replay_control(words: int, sf: int, nf: int) -> Resources:
    """Counters of ``xf_replay`` around a ring of ``words`` beats."""
    bits = bits_for(sf)
    lut = max(16, 8 + 4 * bits) + (0 if sf == 1 << (bits if sf > 1 else 0) else 9 + 1.2 * bits)
    return Resources(lut=lut, ff=2 * bits_for(words) + 2 * (bits if sf > 1 else 0) + bits_for(sf * nf) + 2)


def matvec_starts(bits: int, words: int) -> Resources:
    """Start values of accumulators, a word for each fold of rows (and class of the border)."""
    return rom(bits, words) + counter(words)


def matvec_queue(bits: int, sf: int) -> Resources:
    """Output queue of a matrix-vector cell and the flags of its pipeline."""
    return queue(bits, 2 if sf > 1 else 4) + Resources(ff=6)


def xnor_products(simd: int, acc_bits: int, sf: int, *, constant: bool) -> Resources:
    """One PE: the tree of counters for its width, and the accumulator; with constant weights neither XNORs nor sums are left."""
    lut = popcount_luts(simd) if constant else xnor_luts(simd) + acc_bits
    return Resources(lut=lut, ff=bits_for(simd + 1) + (acc_bits if sf > 1 else 0))


def integer_products(simd: int, widths: tuple[int, int], acc_bits: int, sf: int, *, constant: bool) -> Resources:
    """One PE: products of factors of ``widths`` bits in two's complement, their sum and the accumulator.

    A weight of one bit is a sign; other products take a DSP each, if they are wide enough.
    """
    x_bits, w_bits = widths
    product = min(acc_bits, x_bits + w_bits)
    exact = min(acc_bits, x_bits + w_bits + bits_for(simd))
    registers = Resources(lut=acc_bits, ff=exact + (acc_bits if sf > 1 else 0))
    if w_bits == 1:
        return registers + Resources(lut=simd * 2.15 * x_bits)
    if product >= _DSP_MINIMUM and not constant:  # most of the sum and its register are in the DSPs too
        return registers + Resources(lut=1.2 * product if simd > 1 else -acc_bits, ff=-exact, dsp=simd)
    return registers + Resources(lut=simd * (1.2 * product if constant else 0.5 * x_bits * w_bits + 1.75 * product))


def pad(bits: int, counts: tuple[int, ...]) -> Resources:
    """``xf_pad``: row, column and beat counters in front of a two-deep FIFO."""
    return fifo(bits, 2) + total(counter(count + 2) for count in counts) + Resources(lut=8 + 0.9 * bits)


def sliding_window(bits: int, rows: int, row_words: int, taps: int, counts: tuple[int, ...]) -> Resources:
    """``xf_sliding_window``: a ring of rows, the counters of its loops, and the addresses they move."""
    address, column = bits_for(rows * row_words + 1), bits_for(row_words + 1)
    ring = ram(bits, rows * row_words)
    register = Resources() if ring.bram18 else Resources(ff=bits)
    control = Resources(lut=6 * address + 4 * column + 7, ff=4 * address + 3 * column + 4)
    if taps == 1:  # the tap's address is the window's
        control = Resources(lut=4 * address + 3 * column - 6, ff=3 * address + 2 * column)
    return ring + register + queue(bits, 3) + control + total(counter(count) for count in counts)


def max_pool(lanes: int, bits: int, beats: int, taps: int) -> Resources:
    """``xf_max_pool``: a comparator for each lane, and LUT RAM for the best so far of the other beats."""
    kept = Resources(ff=lanes * bits) if beats == 1 else lut_ram(lanes * bits, beats)
    compare = Resources(lut=4 + lanes * (1 if bits == 1 else 1.6 * bits))
    return kept + compare + counter(beats) + counter(taps) + fifo(lanes * bits, 2)


def sum_pool(lanes: int, bits: int, beats: int, taps: int) -> Resources:
    """``xf_sum_pool``: an adder for each lane, and LUT RAM for the sums so far of the other beats."""
    kept = Resources(ff=lanes * bits) if beats == 1 else lut_ram(lanes * bits, beats)
    return kept + Resources(lut=lanes * bits + 7, ff=2) + counter(beats) + counter(taps) + fifo(lanes * bits, 2)


def table(lanes: int, out_bits: int, words: int, folds: int) -> Resources:
    """``xf_table``: a ROM for each lane."""
    return rom(out_bits, words, _TABLE_BITS_PER_LUT) * lanes + counter(folds) + queue(lanes * out_bits, 3) + Resources(lut=1, ff=1)


def argmax(lanes: int, bits: int, channels: int) -> Resources:
    """``xf_argmax``: a chain of comparators over the lanes, one more for the best so far, and the index."""
    index = bits_for(channels)
    compare = Resources(lut=1.5 * bits + index, ff=0) * lanes
    return compare + counter(channels // lanes) + queue(index, 3 if channels == lanes else 2) + Resources(lut=2, ff=2 * bits + 2 * index + 3)


def fork(bits: int, outputs: int) -> Resources:
    """``xf_fork``: a two-beat FIFO an output."""
    return fifo(bits, 2) * outputs + Resources(lut=outputs / 2)


def saturate(bits: int, out_bits: int) -> Resources:
    """``xf_saturate``: the dropped bits compared with the sign, and a multiplexer; wires where every value fits."""
    return Resources(lut=out_bits + (bits - out_bits) / 3) if bits > out_bits else Resources()


def add(lanes: int, a_bits: int, b_bits: int, out_bits: int, *, saturates: bool) -> Resources:
    """``xf_add``: a two-beat FIFO an input, and a lane's adder and limiter."""
    wide = max(a_bits, b_bits) + 1
    lane = Resources(lut=wide) + (saturate(wide, out_bits) if saturates else Resources())
    return fifo(lanes * a_bits, 2) + fifo(lanes * b_bits, 2) + lane * lanes


def product(lanes: int, widths: tuple[int, int, int], shift: int, out_bits: int, registers: int) -> Resources:
    """``xf_product``: a multiplier and a limiter a lane, an output queue.

    Args:
        lanes: elements a beat.
        widths: bits of the factors and of the product.
        shift: of the product.
        out_bits: of the result.
        registers: bits of a lane's factors that come from registers, which a DSP takes in.
    """
    first, second, bits = widths
    in_dsp = bits >= _DSP_MINIMUM  # which has the register of the product too
    lane = Resources(ff=-registers, dsp=1) if in_dsp else Resources(lut=1.4 * first * second, ff=max(1, bits - shift))
    return (lane + saturate(bits - shift, out_bits)) * lanes + queue(lanes * out_bits, 3) + Resources(lut=1, ff=1)


def multiply(lanes: int, widths: tuple[int, int, int], shift: int, out_bits: int) -> Resources:
    """``xf_multiply``: a four-beat FIFO an input, and the products of ``widths`` (factors, product)."""
    first, second, _ = widths
    return fifo(lanes * first, 4) + fifo(lanes * second, 4) + product(lanes, widths, shift, out_bits, first + second)


def channel_gate(lanes: int, widths: tuple[int, int, int], shift: int, out_bits: int, folds: tuple[int, int], vectors: int) -> Resources:
    """``xf_channel_gate``: a four-beat FIFO, the memory of the gates, of ``folds[0]`` beats for ``folds[1]`` pixels, and the products."""
    image, gate, _ = widths
    beats, pixels = folds
    memory = ram(lanes * gate, vectors * beats)
    if memory.bram18:  # Yosys reads it one cycle ahead, and a beat that was just written from a register
        memory = memory + Resources(lut=lanes * gate, ff=lanes * gate + bits_for(vectors * beats))
    return fifo(lanes * image, 4) + memory + replay_control(vectors * beats, beats, pixels) + product(lanes, widths, shift, out_bits, image)


def concat(bits: int, beats: int) -> Resources:
    """``xf_concat``: a two-beat FIFO an input, LUT RAM for the second one's beats of a pixel, and a multiplexer."""
    kept = Resources(ff=bits) if beats == 1 else lut_ram(bits, beats)
    return fifo(bits, 2) * 2 + kept + Resources(lut=bits + (5 if beats == 1 else 10), ff=1 if beats == 1 else 4) + counter(beats)


def affine(lanes: int, folds: int, in_bits: int, widths: tuple[int, int], shifted: int, out_bits: int, pieces: int) -> Resources:
    """``xf_affine``: a multiplier, an adder and a limiter a lane, the ROM of coefficients, an output queue."""
    mul_bits, add_bits = widths
    knee = in_bits + 2 if pieces == 2 else 0
    memory = rom_apart(lanes * (pieces * (mul_bits + add_bits) + knee), folds, paired=False)
    lane = saturate(shifted, out_bits)
    if pieces == 2:  # constant slopes leave little to choose
        lane = lane + Resources(lut=0.5 * in_bits + (mul_bits + add_bits) * (1 if folds > 1 else 0.2), ff=in_bits)
    if in_bits + mul_bits >= _DSP_MINIMUM:  # the DSP's own registers and adder take the rest
        lane = lane + Resources(dsp=1)
    else:
        lane = lane + Resources(lut=0.6 * in_bits * mul_bits + 1.1 * add_bits, ff=in_bits + mul_bits + add_bits)
    return memory + lane * lanes + queue(lanes * out_bits, 4) + counter(folds) + Resources(ff=2)
