"""The structure of a popcount: bits of a column (a power of two) are counted into higher columns until three rows remain.

The 7:3 counter stands on a carry chain and takes two bits out of the heap for each of its LUTs, where a full adder takes
one. XNORs share the LUTs of a first level of full adders, which have two inputs to spare. The last rows, up to three, are added by one
carry chain at a LUT a bit. How far a column is counted by which counter decides about a few LUTs: all ways are tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from xnorflow.hw.popcount.counters import FULL_ADDER, LEAF, SEVEN, Counter

ZERO = "1'b0"
ROWS = 3
_ADDER_DEPTH = 1.4
LEAF_LEVELS = (2, 3, 4)  # a level takes the sums of the one before; more levels would save little and lengthen the path
SEVEN_FROM = (4, 5, 6)  # height of a column from which a 7:3 counter is taken


@dataclass(frozen=True)
class Instance:
    """One counter.

    Attributes:
        module: library module.
        ports: input port -> nets, bit 0 first.
        outputs: nets of ``count_o``, bit 0 first.
    """

    module: str
    ports: dict[str, tuple[str, ...]]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Tree:
    """A popcount of ``width`` bits, or of that many products.

    Attributes:
        width: bits counted.
        xnor: whether the bits are ``data_i ~^ weight_i``.
        instances: the counters, each after those that feed it.
        rows: two or three numbers to add; nets, bit 0 first; none where all bits are direct.
        direct: the lowest result bits, which need no adder.
        wires: how many nets ``t[i]`` there are.
        luts: LUTs on xc7, the adder included.
        depth: LUT levels, about, the adder included.
    """

    width: int
    xnor: bool
    instances: tuple[Instance, ...]
    rows: tuple[tuple[str, ...], ...]
    direct: tuple[str, ...]
    wires: int
    luts: int
    depth: float

    @property
    def count_bits(self) -> int:
        """Width of the result."""
        return self.width.bit_length()

    @property
    def sum_bits(self) -> int:
        """Bits of the result that the adder makes."""
        return self.count_bits - len(self.direct)


@dataclass
class Heap:
    """Bits waiting in their columns while a tree grows."""

    columns: dict[int, list[str]] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)
    depths: dict[str, float] = field(default_factory=dict)
    wires: int = 0
    luts: int = 0

    def add(self, module: str, ports: dict[str, tuple[str, ...]], outputs: int, luts: int, depth: float) -> tuple[str, ...]:
        """A counter; its output nets, bit 0 first."""
        made = tuple(f"t[{self.wires + k}]" for k in range(outputs))
        self.wires += outputs
        self.luts += luts
        start = max(self.depths.get(net, 0.0) for nets in ports.values() for net in nets)
        self.depths |= dict.fromkeys(made, start + depth)
        self.instances.append(Instance(module, ports, made))
        return made

    def count(self, counter: Counter, column: int, nets: list[str], into: dict[int, list[str]]) -> None:
        """Count bits of a column into ``into``."""
        padded = tuple(nets + [ZERO] * (counter.inputs - len(nets)))
        for k, net in enumerate(self.add(counter.module, {"data_i": padded}, counter.outputs, counter.luts, counter.depth)):
            into.setdefault(column + k, []).append(net)

    def reduce(self, column: int, seven_from: int, into: dict[int, list[str]]) -> None:
        """Count a column, the earliest bits first, until no more than the last rows are left in it."""
        nets = self.columns.get(column, [])
        while len(nets) > ROWS:
            nets.sort(key=lambda net: self.depths.get(net, 0.0))
            counter = SEVEN if len(nets) >= seven_from else FULL_ADDER
            taken, nets[:] = nets[: counter.inputs], nets[counter.inputs :]
            self.count(counter, column, taken, into)


@lru_cache(maxsize=256)
def popcount_tree(width: int) -> Tree:
    """The popcount of ``data_i``: of all ways to grow it the one with the fewest LUTs, then the shortest path."""
    return min((_grown(width, 0, start, level) for start in SEVEN_FROM for level in (False, True)), key=lambda tree: (tree.luts, tree.depth))


@lru_cache(maxsize=256)
def xnor_tree(width: int) -> Tree:
    """The popcount of ``data_i ~^ weight_i``, likewise."""
    ways = ((levels, start, level) for levels in LEAF_LEVELS for start in SEVEN_FROM for level in (False, True))
    return min((_grown(width, *way) for way in ways), key=lambda tree: (tree.luts, tree.depth))


def _grown(width: int, leaf_levels: int, seven_from: int, level_by_level: bool) -> Tree:
    """One tree; with no leaf levels it counts plain bits."""
    heap = Heap()
    if leaf_levels:
        _leaves(heap, width, leaf_levels)
    else:
        heap.columns[0] = [f"data_i[{i}]" for i in range(width)]
    if level_by_level:
        while max(len(nets) for nets in heap.columns.values()) > ROWS:
            after: dict[int, list[str]] = {}
            for column in sorted(heap.columns):
                heap.reduce(column, seven_from, after)
                after.setdefault(column, []).extend(heap.columns[column])
            heap.columns = after
    else:
        for column in range(width.bit_length()):
            heap.reduce(column, seven_from, heap.columns)
    return _finish(heap, width, xnor=bool(leaf_levels))


def _leaves(heap: Heap, width: int, count: int) -> None:
    """The first level of an XNOR tree: pairs of products, and beside them sums of earlier pairs."""
    pairs = [(i, i + 1) for i in range(0, width, 2)]
    levels = [len(pairs) // count + (level < len(pairs) % count) for level in range(count)]
    ones, twos = heap.columns.setdefault(0, []), heap.columns.setdefault(1, [])
    sums: list[str] = []
    position = 0
    for size in levels:
        made: list[str] = []
        for first, second in pairs[position : position + size]:
            alone = second == width  # the last product of an odd number: beside it one that is zero
            data = (f"data_i[{first}]", ZERO if alone else f"data_i[{second}]")
            weight = (f"weight_i[{first}]", "1'b1" if alone else f"weight_i[{second}]")
            spare = sums.pop(0) if sums else ZERO
            total, carry = heap.add(LEAF, {"data_i": data, "weight_i": weight, "bit_i": (spare,)}, 2, 1, 1.0)
            made.append(total)
            twos.append(carry)
        ones += sums
        sums, position = made, position + size
    ones += sums


def _finish(heap: Heap, width: int, *, xnor: bool) -> Tree:
    """The bits that need no adder, and the rows of the others; bits beyond the greatest count are always zero."""
    size = width.bit_length()
    columns = [heap.columns.get(column, []) for column in range(size)]
    low = next((column for column in range(size) if len(columns[column]) > 1), size)
    top = max(column + 1 for column in range(size) if columns[column])
    height = max((len(nets) for nets in columns[low:]), default=0)
    rows = tuple(tuple((columns[column] + [ZERO] * ROWS)[row] for column in range(low, top)) for row in range(height))
    direct = tuple((columns[column] + [ZERO])[0] for column in range(low))
    adder = top - low if height == ROWS else sum(len(nets) > 1 for nets in columns)
    depth = max(heap.depths.get(net, 0.0) for net in (*direct, *(net for row in rows for net in row))) + (_ADDER_DEPTH if rows else 0.0)
    return Tree(width, xnor, tuple(heap.instances), rows, direct, heap.wires, heap.luts + adder, depth)
