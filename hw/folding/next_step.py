"""What holds a folded graph back, and what the next faster folding takes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.hw.folding.cycles import interval
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.folding.solve import solve
from xnorflow.hw.folding.space import KINDS, Space
from xnorflow.hw.nodes import Fifo
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.graph import Graph, HardwareNode


@dataclass(frozen=True)
class NextStep:
    """Where a folding stands, FIFOs not counted.

    Attributes:
        interval: cycles a frame of its slowest cells.
        limiting: the names of these cells.
        faster: interval of the cheapest folding that is faster; None where there is none.
        more: LUT, FF, BRAM18 and DSP that it takes more, which can be negative; None likewise.
        changed: the cells whose lanes differ there.
    """

    interval: int
    limiting: tuple[str, ...]
    faster: int | None = None
    more: tuple[int, int, int, int] | None = None
    changed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        more = None if self.more is None else dict(zip(KINDS, self.more, strict=True))
        return {**dataclasses.asdict(self), "limiting": list(self.limiting), "changed": list(self.changed), "more": more}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> NextStep:
        """Read what :meth:`to_json` gave."""
        more = record["more"]
        lut, ff, bram18, dsp = (0, 0, 0, 0) if more is None else (int(more[kind]) for kind in KINDS)
        values = None if more is None else (lut, ff, bram18, dsp)
        return cls(record["interval"], tuple(record["limiting"]), record["faster"], values, tuple(record["changed"]))


def next_step(graph: Graph, folded: Graph) -> NextStep:
    """Compare a folding with the next faster one.

    Args:
        graph: unfolded, with its forks.
        folded: the same graph with lanes and width converters, FIFOs or not.
    """
    space = Space.of(graph)
    cells = {node.name: node for node in hardware_nodes(folded) if not isinstance(node, Fifo)}
    cycles = {name: interval(node, folded.types_of(node)[0], folded.streams[node.outputs[0]]) for name, node in cells.items()}
    slowest = max(cycles.values())
    limiting = tuple(name for name, value in cycles.items() if value == slowest)
    below = [value for value in space.intervals() if value < slowest]
    choice = solve(space, below[-1]) if below else None
    if choice is None:
        return NextStep(slowest, limiting)
    needs = [node.resources(folded.types_of(node)) for node in cells.values()]
    now = np.array([[round(need.lut), round(need.ff), need.bram18, need.dsp] for need in needs]).sum(axis=0)
    lut, ff, bram18, dsp = (round(value) for value in space.cost(choice) - now)
    changed = tuple(name for name, lanes in space.lanes(choice).items() if lanes != _lanes(cells[name]))
    return NextStep(slowest, limiting, space.slowest(choice)[0], (lut, ff, bram18, dsp), changed)


def _lanes(node: HardwareNode) -> tuple[int, ...]:
    return (node.in_lanes, node.out_lanes) if isinstance(node, MatVec) else (node.in_lanes,)
