"""The smallest safe FIFOs: with one beat less in any of them, the cells of a network wait for each other for ever.

Sizing (``hw/fifo_sizing.py``) makes FIFOs as shallow as full speed allows. Here only what each cell needs and has room for
counts, not when: every transfer that is allowed is made until none is left, for as many frames as the network can hold. A network that
does not end so cannot stop, however its source and its sink behave.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from xnorflow.hw.fifo_sizing import CellNetwork, graph_schedule, shrink, with_fifos
from xnorflow.hw.folding.hardware import carriers, hardware_nodes
from xnorflow.hw.nodes import Fifo
from xnorflow.hw.nodes.fifo import MIN_DEPTH
from xnorflow.hw.schedule import simulate, waits_for_ever

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.graph import Graph

_LEAST_FRAMES = 6


@dataclass(frozen=True)
class FifoDepth:
    """One FIFO of a network.

    Attributes:
        name: of the node.
        source, reader: of the cells that fill and empty it.
        bits: a beat.
        depth: beats that it holds.
        safe: beats that it must hold; 0 where the network does without it.
    """

    name: str
    source: str
    reader: str
    bits: int
    depth: int
    safe: int


@dataclass(frozen=True)
class FifoDepths:
    """The FIFOs of a network.

    Attributes:
        fifos: in order of the stream.
        interval: cycles an image as built.
        safe_interval: cycles an image if each FIFO were as shallow as is safe.
        frames: streamed back to back in the search.
    """

    fifos: tuple[FifoDepth, ...]
    interval: int
    safe_interval: int
    frames: int

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return asdict(self)


def fifo_depths(graph: Graph) -> FifoDepths:
    """Search for the smallest safe depths of all FIFOs together: none of them can hold one beat less.

    Args:
        graph: a folded graph with its FIFOs.

    Raises:
        FoldingError: the network as it is waits for ever.
    """
    schedule = graph_schedule(graph)
    bare, depths = without_fifos(graph)
    network = CellNetwork(bare)
    frames = max(_LEAST_FRAMES, 2 * schedule.in_flight + 2)

    def safe(candidate: Mapping[str, int]) -> bool:
        return not waits_for_ever(network.placed(candidate)[0], frames=frames)

    smallest = shrink({stream: network.edges[stream] for stream in depths}, depths, safe)
    return FifoDepths(_described(graph, smallest), schedule.interval, simulate(network.placed(smallest)[0]).interval, frames)


def _described(graph: Graph, smallest: Mapping[str, int]) -> tuple[FifoDepth, ...]:
    cells, wires = hardware_nodes(graph), carriers(graph)
    makers = {stream: node.name for node in cells for stream in node.outputs}
    readers = {wires[stream]: node.name for node in cells for stream in node.inputs}
    return tuple(
        FifoDepth(
            name=node.name,
            source=makers[node.inputs[0]],
            reader=readers[node.outputs[0]],
            bits=node.lanes * graph.streams[node.inputs[0]].dtype.bits,
            depth=node.depth,
            safe=smallest.get(node.inputs[0], 0),
        )
        for node in cells
        if isinstance(node, Fifo)
    )


def without_fifos(graph: Graph) -> tuple[Graph, dict[str, int]]:
    """A graph without its FIFOs, and their depths by the streams that filled them."""
    fifos = {node.outputs[0]: node for node in graph.nodes if isinstance(node, Fifo)}
    renamed = {made: node.inputs[0] for made, node in fifos.items()}
    nodes = [replace(node, inputs=tuple(renamed.get(s, s) for s in node.inputs)) for node in graph.nodes if not isinstance(node, Fifo)]
    return graph.with_nodes(nodes), {node.inputs[0]: node.depth for node in fifos.values()}


def with_depths(graph: Graph, depths: Mapping[str, int]) -> Graph:
    """A graph with other FIFOs.

    Args:
        graph: a folded graph with its FIFOs.
        depths: by name of the FIFO; 0 takes it away, and what is not named stays.
    """
    bare, present = without_fifos(graph)
    names = {node.inputs[0]: node.name for node in graph.nodes if isinstance(node, Fifo)}
    wanted = {stream: depths.get(names[stream], depth) for stream, depth in present.items()}
    return with_fifos(bare, {stream: depth for stream, depth in wanted.items() if depth})


def one_less(depth: int) -> int:
    """The next smaller FIFO; 0 is none at all."""
    return depth - 1 if depth > MIN_DEPTH else 0
