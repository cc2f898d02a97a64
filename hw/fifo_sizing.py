"""FIFO depths: as few and as shallow FIFOs as keep the network at the interval of its slowest cell.

First an unlimited FIFO stands on every edge and the source spreads its beats evenly over the interval; what each FIFO
then holds at most is enough for the full interval, because delaying nothing can only make later cells earlier. Then,
from the most expensive edge to the cheapest, a FIFO is dropped, or else made as shallow as the interval allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.folding.chain import hardware_chain, stream_lanes
from xnorflow.hw.graph import HardwareNode
from xnorflow.hw.nodes import Fifo
from xnorflow.hw.schedule import Schedule, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.timing import Timing

MIN_DEPTH = 2
_UNLIMITED = 1 << 40


@dataclass(frozen=True)
class _Edge:
    """The stream behind one hardware node: index of the node, beats a frame, bits a beat, timing of a FIFO by depth."""

    index: int
    bits: int
    fifo: Callable[[int], Timing]


def insert_fifos(graph: Graph) -> tuple[Graph, Schedule]:
    """Insert the FIFOs that a folded graph needs.

    Args:
        graph: a folded chain with its width converters and without FIFOs.

    Returns:
        The graph with FIFOs, and its schedule: the interval equals that of the slowest cell.

    Raises:
        FoldingError: the cells wait for each other for ever.
    """
    nodes = hardware_chain(graph)
    cells = [node.timing(graph.types_of(node)) for node in nodes]
    edges = _edges(graph, nodes)
    target = max(cell.interval for cell in cells)
    schedule = _run(cells, edges, {})
    depths: dict[int, int] = {}
    if schedule.interval > target:
        target = _run(cells, edges, {edge.index: _UNLIMITED for edge in edges}, target).interval
        depths = _shrink(cells, edges, _bounds(cells, edges, target), target)
        schedule = _run(cells, edges, depths)
    return _with_fifos(graph, {nodes[index].name: depth for index, depth in depths.items()}), schedule


def _edges(graph: Graph, nodes: tuple[HardwareNode, ...]) -> list[_Edge]:
    edges = []
    for index, node in enumerate(nodes[:-1]):
        kind = graph.streams[node.outputs[0]]

        def timing(depth: int, lanes: int = node.out_lanes, stream: str = node.outputs[0]) -> Timing:
            fifo = Fifo(name="fifo", inputs=(stream,), outputs=("out",), depth=depth, lanes=lanes)
            return fifo.timing((graph.streams[stream],))

        edges.append(_Edge(index, kind.dtype.bits * node.out_lanes, timing))
    return edges


def _run(cells: list[Timing], edges: list[_Edge], depths: dict[int, int], source_interval: int = 0) -> Schedule:
    return simulate(_chain(cells, edges, depths)[0], source_interval=source_interval)


def _chain(cells: list[Timing], edges: list[_Edge], depths: dict[int, int]) -> tuple[list[Timing], dict[int, int]]:
    """The cells with FIFOs between them, and the position of each FIFO in the list."""
    fifos = {edge.index: edge.fifo for edge in edges}
    chain: list[Timing] = []
    positions: dict[int, int] = {}
    for index, cell in enumerate(cells):
        chain.append(cell)
        if index in depths:
            positions[index] = len(chain)
            chain.append(fifos[index](depths[index]))
    return chain, positions


def _bounds(cells: list[Timing], edges: list[_Edge], target: int) -> dict[int, int]:
    """Depth of each FIFO with which nothing is ever delayed while the source keeps to the target interval."""
    depths = {edge.index: _UNLIMITED for edge in edges}
    chain, positions = _chain(cells, edges, depths)
    schedule = simulate(chain, source_interval=target)
    bounds = {}
    for index, position in positions.items():
        written, read = schedule.times[position], schedule.times[position + 1]
        slack = int(chain[position].room[0]) + _UNLIMITED
        held = np.arange(len(written)) - np.searchsorted(read, written, side="left")
        bounds[index] = max(MIN_DEPTH, int(held.max()) + slack)
    return bounds


def _shrink(cells: list[Timing], edges: list[_Edge], depths: dict[int, int], target: int) -> dict[int, int]:
    def fits(candidate: dict[int, int]) -> bool:
        return _run(cells, edges, candidate).interval <= target

    order = sorted(edges, key=lambda edge: (-edge.bits * depths[edge.index], edge.index))
    for edge in order:
        without = {index: depth for index, depth in depths.items() if index != edge.index}
        if fits(without):
            depths = without
            continue
        low, high = MIN_DEPTH, depths[edge.index]
        while low < high:
            middle = (low + high) // 2
            if fits({**depths, edge.index: middle}):
                high = middle
            else:
                low = middle + 1
        depths = {**depths, edge.index: high}
    return depths


def _with_fifos(graph: Graph, depths: dict[str, int]) -> Graph:
    """Put a FIFO of the given depth behind each named node."""
    lanes = stream_lanes(graph)
    renamed: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes.append(replace(node, inputs=tuple(renamed.get(s, s) for s in node.inputs)))
        if isinstance(node, HardwareNode) and node.name in depths:
            (stream,) = node.outputs
            name = f"{node.name}_fifo"
            nodes.append(Fifo(name=name, inputs=(stream,), outputs=(name,), depth=depths[node.name], lanes=lanes[stream]))
            renamed[stream] = name
    return graph.with_nodes(nodes)
