"""A popcount of full and half adders, for standard cells: bits of a column are added, the earliest first, until one is left in each.

A library's full adder is smaller than the gates that would do the same, and no mapper finds it by itself. ``n`` bits take about
``n - log2(n)`` of them; half adders stand only where two bits are left.
"""

from __future__ import annotations

import heapq
from functools import lru_cache

from xnorflow.hw.popcount.counters import FULL_ADDER, HALF_ADDER
from xnorflow.hw.popcount.tree import ZERO, Heap, Tree


@lru_cache(maxsize=256)
def adder_tree(width: int) -> Tree:
    """The popcount of ``data_i``; its result needs no adder behind it."""
    heap = Heap(columns={0: [f"data_i[{i}]" for i in range(width)]})
    direct = tuple(_added(heap, column) for column in range(width.bit_length()))
    depth = max(heap.depths.get(net, 0.0) for net in direct)
    return Tree(width, False, tuple(heap.instances), (), direct, heap.wires, heap.luts, depth)


def _added(heap: Heap, column: int) -> str:
    """The bit that stays in a column; the carries go to the next one."""
    waiting = [(heap.depths.get(net, 0.0), number, net) for number, net in enumerate(heap.columns.get(column, ()))]
    heapq.heapify(waiting)
    carries = heap.columns.setdefault(column + 1, [])
    number = len(waiting)
    while len(waiting) > 1:
        counter = FULL_ADDER if len(waiting) > HALF_ADDER.inputs else HALF_ADDER
        taken = tuple(heapq.heappop(waiting)[2] for _ in range(counter.inputs))
        total, carry = heap.add(counter.module, {"data_i": taken}, counter.outputs, counter.luts, counter.depth)
        number += 1
        heapq.heappush(waiting, (heap.depths[total], number, total))
        carries.append(carry)
    return waiting[0][2] if waiting else ZERO
