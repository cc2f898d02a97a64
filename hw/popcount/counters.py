"""The parts of ``hw/rtl`` that a popcount is made of: each keeps the weighted sum of its bits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counter:
    """A library module with ports ``data_i`` and ``count_o``, the number of ones in ``data_i``.

    Attributes:
        module: its name.
        inputs, outputs: bits of its ports.
        luts: LUTs that it takes on xc7.
        depth: delay in LUT levels, about; a carry bit counts little. In standard cells: in full adders.
    """

    module: str
    inputs: int
    outputs: int
    luts: int
    depth: float


FULL_ADDER = Counter("xf_count_3", 3, 2, 1, 1.0)
HALF_ADDER = Counter("xf_count_2", 2, 2, 1, 0.6)
SEVEN = Counter("xf_count_7", 7, 3, 2, 1.4)
COUNTERS = (HALF_ADDER, FULL_ADDER, SEVEN)
# Counts two products, data_i[k] ~^ weight_i[k], and the bit bit_i; one LUT as well.
LEAF = "xf_count_leaf"
# Adds three numbers of ``Width`` bits, a_i, b_i and c_i, to ``SumBits`` bits; a LUT a bit.
ADDER = "xf_count_rows"
