"""The hardware as a network of cells: what becomes RTL, and what is only wires between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.graph import HardwareNode
from xnorflow.hw.nodes import Flatten

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node


def hardware_nodes(graph: Graph) -> tuple[HardwareNode, ...]:
    """The nodes that become cells, in topological order; the first reads the graph's input, the last makes its output.

    Raises:
        UnsupportedModelError: a second input or output, a stream that is not read exactly once (a Fork copies one), or no
            such node at all.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise UnsupportedModelError(f"the graph has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; 1 and 1 are accepted")
    _check_readers(graph)
    nodes = tuple(node for node in graph.nodes if isinstance(node, HardwareNode))
    if not nodes:
        raise UnsupportedModelError("the graph holds no node that becomes hardware")
    others = [n.name for n in graph.nodes if not isinstance(n, HardwareNode | Flatten)]
    assert not others, f"node {others[0]} is neither hardware nor wires"
    return nodes


def _check_readers(graph: Graph) -> None:
    readers: dict[str, Node] = {}
    for node in graph.nodes:
        for stream in node.inputs:
            if stream in readers:
                text = f"node {node.name} reads stream {stream!r}, which node {readers[stream].name} reads too"
                raise UnsupportedModelError(f"{text}; one reader is accepted, or a Fork")
            readers[stream] = node
    (output,) = graph.outputs
    unread = next((s for s in graph.streams if s not in readers and s != output), None)
    if unread is not None or output in readers:
        text = (
            f"stream {unread!r} is read by no node" if unread is not None else f"the graph's output {output!r} is read by node {readers[output].name}"
        )
        raise UnsupportedModelError(f"{text}; each stream but the output has one reader")


def carriers(graph: Graph) -> dict[str, str]:
    """Every stream -> the graph input or the cell's output that carries it, through the Flattens that are only wires."""
    found = {name: name for name in graph.inputs}
    for node in graph.nodes:
        for out in node.outputs:
            found[out] = out if isinstance(node, HardwareNode) else found[node.inputs[0]]
    return found


def stream_lanes(graph: Graph) -> dict[str, int]:
    """Elements a beat on every stream, of a folded graph with its width converters."""
    nodes = hardware_nodes(graph)
    lanes = {next(iter(graph.inputs)): nodes[0].in_lanes}
    for node in graph.nodes:
        lanes |= dict.fromkeys(node.outputs, node.out_lanes if isinstance(node, HardwareNode) else lanes[node.inputs[0]])
    return lanes
