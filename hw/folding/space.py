"""Everything that a folding can choose, and what each choice costs: variables with domains, and factors over one or two of them.

A variable is the number of lanes at a side of a cell: a matrix-vector node has two, SIMD and PE, any other cell one. A factor is a
cell, or a stream between two cells, where width converters stand if their lanes differ. The estimate of a folded graph without its
FIFOs is the sum of the factors, and its interval the greatest of the cells'.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xnorflow.hw.estimate.primitives import width_converter
from xnorflow.hw.folding.choose import lane_domain, matvec_domains, with_lanes
from xnorflow.hw.folding.cycles import interval
from xnorflow.hw.folding.hardware import carriers, hardware_nodes
from xnorflow.hw.folding.widths import converter_steps
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.cell import Resources
    from xnorflow.hw.graph import Graph, HardwareNode

KINDS = ("lut", "ff", "bram18", "dsp")
Costs = npt.NDArray[np.float64]
Intervals = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Factor:
    """What a choice of one or two variables costs.

    Attributes:
        variables: their numbers.
        cost: float64 ``(kinds, *domain sizes)``, LUT, FF, BRAM18 and DSP.
        interval: int64 ``domain sizes``, cycles a frame; None of a stream.
        name: of the cell; empty of a stream.
    """

    variables: tuple[int, ...]
    cost: Costs
    interval: Intervals | None = None
    name: str = ""


@dataclass(frozen=True, eq=False)
class Space:
    """The foldings of a graph.

    Attributes:
        graph: unfolded, with its forks.
        domains: lanes to choose from, ascending, by variable.
        factors: of all cells, then of all streams between them.
    """

    graph: Graph
    domains: tuple[tuple[int, ...], ...]
    factors: tuple[Factor, ...]

    @classmethod
    def of(cls, graph: Graph, fixed: Mapping[str, tuple[int, int]] | None = None) -> Space:
        """The foldings of an unfolded graph with its forks.

        Args:
            graph: the graph.
            fixed: SIMD and PE of matrix-vector nodes that are given, by name.
        """
        given = {name: ((simd,), (pe,)) for name, (simd, pe) in (fixed or {}).items()}
        made_by = carriers(graph)
        domains: list[tuple[int, ...]] = []
        cells: list[Factor] = []
        edges: list[tuple[str, int, int]] = []
        makers: dict[str, int] = {}
        for node in hardware_nodes(graph):
            sides = given.get(node.name) or matvec_domains(graph, node) if isinstance(node, MatVec) else (lane_domain(graph, node),)
            numbers = tuple(range(len(domains), len(domains) + len(sides)))
            domains += sides
            cells.append(_cell(graph, node, numbers, sides))
            edges += [(stream, makers[made_by[stream]], numbers[0]) for stream in node.inputs if made_by[stream] in makers]
            makers |= dict.fromkeys(node.outputs, numbers[-1])
        between = [_stream(graph.streams[stream].dtype.bits, made, read, domains) for stream, made, read in edges]
        return cls(graph, tuple(domains), (*cells, *between))

    @property
    def cells(self) -> tuple[Factor, ...]:
        """The factors of cells."""
        return tuple(factor for factor in self.factors if factor.interval is not None)

    def intervals(self) -> list[int]:
        """Every interval that a folding of the graph can have, ascending."""
        least = self.fastest()[0]
        found = {least}.union(*(np.unique(cell.interval).tolist() for cell in self.cells if cell.interval is not None))
        return sorted(cycles for cycles in found if cycles >= least)

    def fastest(self) -> tuple[int, str]:
        """The least interval of any folding, and the cell that limits it."""
        return max(((int(cell.interval.min()), cell.name) for cell in self.cells if cell.interval is not None), key=lambda item: item[0])

    def cost(self, choice: tuple[int, ...]) -> Costs:
        """LUT, FF, BRAM18 and DSP of a choice of positions in the domains."""
        total = np.zeros(len(KINDS))
        for factor in self.factors:
            place: tuple[Any, ...] = (slice(None), *(choice[v] for v in factor.variables))
            total = total + factor.cost[place]
        return total

    def slowest(self, choice: tuple[int, ...]) -> tuple[int, tuple[str, ...]]:
        """The interval of a choice, and the cells that have it."""
        cycles = {cell.name: int(cell.interval[tuple(choice[v] for v in cell.variables)]) for cell in self.cells if cell.interval is not None}
        most = max(cycles.values())
        return most, tuple(name for name, value in cycles.items() if value == most)

    def lanes(self, choice: tuple[int, ...]) -> Mapping[str, tuple[int, ...]]:
        """The chosen lanes of each cell: ``(SIMD, PE)`` of a matrix-vector node, else ``(lanes,)``."""
        return {cell.name: tuple(self.domains[v][choice[v]] for v in cell.variables) for cell in self.cells}


def _cell(graph: Graph, node: HardwareNode, numbers: tuple[int, ...], sides: tuple[tuple[int, ...], ...]) -> Factor:
    ins, out = graph.types_of(node), graph.streams[node.outputs[0]]
    if isinstance(node, MatVec):
        folded = [[replace(node, simd=simd, pe=pe) for pe in sides[1]] for simd in sides[0]]
        costs = np.array([[_vector(cell.resources_at(ins[0].dtype, out.dtype.bits)) for cell in row] for row in folded])
        cycles = np.array([[interval(cell, ins[0], out) for cell in row] for row in folded], dtype=np.int64)
    else:
        cells = [with_lanes(node, lanes) for lanes in sides[0]]
        costs = np.array([_vector(cell.resources(ins)) for cell in cells])
        cycles = np.array([interval(cell, ins[0], out) for cell in cells], dtype=np.int64)
    return Factor(numbers, np.moveaxis(costs, -1, 0), cycles, node.name)


def _stream(bits: int, made: int, read: int, domains: list[tuple[int, ...]]) -> Factor:
    costs = np.array([[_converters(bits, before, after) for after in domains[read]] for before in domains[made]])
    return Factor((made, read), np.moveaxis(costs, -1, 0))


@lru_cache(maxsize=1 << 16)
def _converters(bits: int, before: int, after: int) -> tuple[float, ...]:
    total, lanes = np.zeros(len(KINDS)), before
    for width in converter_steps(before, after):
        total, lanes = total + _vector(width_converter(lanes * bits, width * bits)), width
    return tuple(total.tolist())


def _vector(need: Resources) -> Costs:
    """As the estimate counts a cell, in whole numbers, so that sums are exact."""
    return np.array([round(need.lut), round(need.ff), need.bram18, need.dsp], dtype=np.float64)
