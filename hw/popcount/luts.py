"""LUTs of a popcount tree without growing it: only how many bits wait in each column decides, not which bits they are.

Estimates ask for trees of thousands of bits, whose nets would take seconds to name; ``tests/hw/popcount`` holds both to each other.
"""

from __future__ import annotations

from functools import lru_cache

from xnorflow.hw.popcount.counters import FULL_ADDER, SEVEN
from xnorflow.hw.popcount.tree import LEAF_LEVELS, ROWS, SEVEN_FROM


@lru_cache(maxsize=4096)
def popcount_luts(width: int) -> int:
    """LUTs of ``popcount_tree(width)``."""
    return min(_luts({0: width}, start, level, width) for start in SEVEN_FROM for level in (False, True))


@lru_cache(maxsize=4096)
def xnor_luts(width: int) -> int:
    """LUTs of ``xnor_tree(width)``."""
    pairs = (width + 1) // 2
    ways = ((levels, start, level) for levels in LEAF_LEVELS for start in SEVEN_FROM for level in (False, True))
    return pairs + min(_luts(_leaf_heights(pairs, levels), start, level, width) for levels, start, level in ways)


def _leaf_heights(pairs: int, levels: int) -> dict[int, int]:
    """Bits in the columns of ones and twos behind a first level of leaves."""
    sizes = [pairs // levels + (level < pairs % levels) for level in range(levels)]
    ones, waiting = 0, 0
    for size in sizes:
        ones += max(0, waiting - size)
        waiting = size
    return {0: ones + waiting, 1: pairs}


def _luts(heights: dict[int, int], seven_from: int, level_by_level: bool, width: int) -> int:
    """LUTs of the counters that leave three rows, and of the adder behind them."""
    columns, luts = dict(heights), 0
    if level_by_level:
        while max(columns.values()) > ROWS:
            after: dict[int, int] = {}
            for column in sorted(columns):
                luts += _reduce(columns, column, seven_from, after)
                after[column] = after.get(column, 0) + columns[column]
            columns = after
    else:
        for column in range(width.bit_length()):
            luts += _reduce(columns, column, seven_from, columns)
    return luts + _adder(columns, width)


def _reduce(columns: dict[int, int], column: int, seven_from: int, into: dict[int, int]) -> int:
    luts = 0
    while columns.get(column, 0) > ROWS:
        counter = SEVEN if columns[column] >= seven_from else FULL_ADDER
        columns[column] -= min(counter.inputs, columns[column])
        luts += counter.luts
        for place in range(column, column + counter.outputs):
            into[place] = into.get(place, 0) + 1
    return luts


def _adder(columns: dict[int, int], width: int) -> int:
    heights = [columns.get(column, 0) for column in range(width.bit_length())]
    low = next((column for column, height in enumerate(heights) if height > 1), len(heights))
    top = max(column + 1 for column, height in enumerate(heights) if height)
    return top - low if max(heights[low:], default=0) == ROWS else sum(height > 1 for height in heights)
