"""FIFO depths: as few and as shallow FIFOs as keep the network at the interval of its slowest cell.

First an unlimited FIFO stands on every edge and the source spreads its beats evenly over the interval; what each FIFO
then holds at most is enough for the full interval, because delaying nothing can only make later cells earlier. Then,
from the most expensive edge to the cheapest, a FIFO is dropped, or else made as shallow as the interval allows.

Where branches meet, the shorter one must hold what passes it while the longer one works; without room for that the cells
wait for each other for ever. There the edges into the joins are tried alone before all of them, and in a large network only
FIFOs that hold next to nothing are dropped, many at a time (in a huge one, all or none): depths stay within a few beats of the least.
The same bound proves that the depths are free of deadlock: the schedule with unlimited FIFOs meets every constraint of the limited ones.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from xnorflow.errors import FoldingError
from xnorflow.hw.folding.hardware import carriers, hardware_nodes, stream_lanes
from xnorflow.hw.graph import HardwareNode
from xnorflow.hw.nodes import Fifo
from xnorflow.hw.nodes.fifo import MIN_DEPTH
from xnorflow.hw.schedule import Placed, Schedule, keeps_pace, simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xnorflow.hw.graph import Graph, Node
    from xnorflow.hw.timing import Timing

    Fits = Callable[[Mapping[str, int]], bool]

_UNLIMITED = 1 << 40
_LARGE = 1 << 19  # edges times beats a frame from which not every depth is searched for
_HUGE = 1 << 30  # the same, from which a simulation takes half a minute, and FIFOs are dropped all together or not at all


def insert_fifos(graph: Graph) -> tuple[Graph, Schedule]:
    """Insert the FIFOs that a folded graph needs.

    Args:
        graph: a folded graph with its width converters and without FIFOs.

    Returns:
        The graph with FIFOs, and its schedule: the interval equals that of the slowest cell.

    Raises:
        FoldingError: the cells wait for each other for ever.
    """
    network = CellNetwork(graph)
    target = max(timing.interval for timings in network.timings for timing in timings)
    if not network.joins:
        schedule = network.run({})
        if schedule.interval <= target:
            return graph, schedule
    edges = network.joins or network.edges
    unlimited = network.run(dict.fromkeys(edges, _UNLIMITED), target)
    if unlimited.interval > target:
        edges = network.edges
        unlimited = network.run(dict.fromkeys(edges, _UNLIMITED), target)
        if unlimited.interval > target:
            target = unlimited.interval
            unlimited = network.run(dict.fromkeys(edges, _UNLIMITED), target)
    bounds = network.bounds(edges, unlimited)

    def fits(candidate: Mapping[str, int]) -> bool:
        return keeps_pace(network.placed(candidate)[0], latency=unlimited.latency, interval=target)

    if network.joins and len(edges) * network.beats > _HUGE:
        return _without_shallow(graph, network, bounds, target)
    large = bool(network.joins) and len(edges) * network.beats > _LARGE
    depths = _drop(bounds, [stream for stream in edges if bounds[stream] == MIN_DEPTH], fits) if large else shrink(edges, bounds, fits)
    return with_fifos(graph, depths), network.run(depths)


def _without_shallow(graph: Graph, network: CellNetwork, bounds: Mapping[str, int], target: int) -> tuple[Graph, Schedule]:
    """The network without any FIFO that holds next to nothing if it reaches the interval so, else with every one."""
    deep = {stream: depth for stream, depth in bounds.items() if depth > MIN_DEPTH}
    with contextlib.suppress(FoldingError):
        schedule = network.run(deep)
        if schedule.interval <= target:
            return with_fifos(graph, deep), schedule
    return with_fifos(graph, bounds), network.run(bounds)


def graph_schedule(graph: Graph) -> Schedule:
    """The schedule of a folded graph with the FIFOs that it has.

    Raises:
        FoldingError: the cells wait for each other for ever.
    """
    return CellNetwork(graph).run({})


class CellNetwork:
    """The cells of a folded graph, with FIFOs of any depth on its edges.

    Attributes:
        timings: of the cells, in order, one for each input.
        edges: bits a beat of every stream between two cells, by its name.
        joins: those of them that end in a cell of several inputs.
        beats: that all cells make a frame.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph, self._nodes, self._carriers = graph, hardware_nodes(graph), carriers(graph)
        self.timings = [node.timings(graph.types_of(node)) for node in self._nodes]
        output = self._carriers[graph.outputs[0]]
        self.edges = {s: graph.streams[s].dtype.bits * node.out_lanes for node in self._nodes for s in node.outputs if s != output}
        met = {self._carriers[s] for node in self._nodes if len(node.inputs) > 1 for s in node.inputs}
        self.joins = {stream: bits for stream, bits in self.edges.items() if stream in met}
        self.beats = sum(len(timings[0].need) * len(node.outputs) for node, timings in zip(self._nodes, self.timings, strict=True))
        self._lanes = stream_lanes(graph)

    def _fifo(self, stream: str, depth: int) -> Timing:
        fifo = Fifo(name="fifo", inputs=(stream,), outputs=("out",), depth=depth, lanes=self._lanes[stream])
        return fifo.timing((self._graph.streams[stream],))

    def placed(self, depths: Mapping[str, int]) -> tuple[list[Placed], dict[str, Placed]]:
        """The cells with FIFOs between them, and the FIFOs by the streams they stand on."""
        numbers = dict.fromkeys(self._graph.inputs, 0)
        cells: list[Placed] = []
        fifos: dict[str, Placed] = {}
        count = 0
        for node, first in zip(self._nodes, self.timings, strict=True):
            timings, read = first, tuple(numbers[self._carriers[s]] for s in node.inputs)
            if node.pipeline:
                count += 1
                cells.append(Placed(first, read, (count,)))
                timings, read = (node.pipeline.timing(len(first[0].need)),), (count,)
            made = tuple(range(count + 1, count + 1 + len(node.outputs)))
            cells.append(Placed(timings, read, made))
            count += len(made)
            for stream, number in zip(node.outputs, made, strict=True):
                numbers[stream] = number
                if stream in depths:
                    count += 1
                    fifos[stream] = Placed((self._fifo(stream, depths[stream]),), (number,), (count,))
                    cells.append(fifos[stream])
                    numbers[stream] = count
        return cells, fifos

    def run(self, depths: Mapping[str, int], source_interval: int = 0) -> Schedule:
        """Simulate the network with FIFOs of the given depths; what each holds is reported in the order of :meth:`placed`."""
        cells, fifos = self.placed(depths)
        return simulate(cells, source_interval=source_interval, fifos=tuple(fifos.values()))

    def bounds(self, edges: Mapping[str, int], schedule: Schedule) -> dict[str, int]:
        """What each FIFO holds at most in the schedule with unlimited ones: depths that delay nothing."""
        fifos = self.placed(dict.fromkeys(edges, _UNLIMITED))[1]
        slack = {stream: int(fifo.timings[0].room[0]) + _UNLIMITED for stream, fifo in fifos.items()}
        return {stream: max(MIN_DEPTH, held + slack[stream]) for stream, held in zip(fifos, schedule.held, strict=True)}


def _drop(depths: Mapping[str, int], streams: list[str], fits: Fits) -> dict[str, int]:
    """Drop all of some FIFOs, or as many of each half as can be."""
    without = {stream: depth for stream, depth in depths.items() if stream not in streams}
    if not streams or fits(without):
        return without
    if len(streams) == 1:
        return dict(depths)
    half = len(streams) // 2
    return _drop(_drop(depths, streams[:half], fits), streams[half:], fits)


def shrink(edges: Mapping[str, int], bounds: Mapping[str, int], fits: Fits) -> dict[str, int]:
    """Drop what FIFOs can be dropped, one after the other, and make the others as shallow as the pace allows."""
    depths = dict(bounds)
    position = {stream: index for index, stream in enumerate(edges)}
    for stream in sorted(edges, key=lambda s: (-edges[s] * bounds[s], position[s])):
        without = {name: depth for name, depth in depths.items() if name != stream}
        if fits(without):
            depths = without
            continue
        low, high = MIN_DEPTH, depths[stream]
        while low < high:
            middle = (low + high) // 2
            if fits({**depths, stream: middle}):
                high = middle
            else:
                low = middle + 1
        depths = {**depths, stream: high}
    return depths


def with_fifos(graph: Graph, depths: Mapping[str, int]) -> Graph:
    """Put a FIFO of the given depth on each named stream."""
    lanes = stream_lanes(graph)
    renamed: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        nodes.append(replace(node, inputs=tuple(renamed.get(s, s) for s in node.inputs)))
        for index, stream in enumerate(node.outputs):
            if isinstance(node, HardwareNode) and stream in depths:
                name = f"{node.name}_fifo" if len(node.outputs) == 1 else f"{node.name}_{index}_fifo"
                nodes.append(Fifo(name=name, inputs=(stream,), outputs=(name,), depth=depths[stream], lanes=lanes[stream]))
                renamed[stream] = name
    return graph.with_nodes(nodes)
