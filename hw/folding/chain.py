"""The hardware as a chain: which node feeds which, through the Flattens that are only wires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.graph import HardwareNode
from xnorflow.hw.nodes import Flatten

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph


def hardware_chain(graph: Graph) -> tuple[HardwareNode, ...]:
    """The hardware nodes from input to output.

    Raises:
        UnsupportedModelError: the graph is no chain (a stream with two readers, a second input or output), or empty.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise UnsupportedModelError(f"the graph has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; 1 and 1 are accepted")
    current = next(iter(graph.inputs))
    for node in graph.nodes:
        if node.inputs != (current,) or len(node.outputs) != 1:
            raise UnsupportedModelError(f"node {node.name} does not follow stream {current!r}; only chains of nodes become hardware")
        (current,) = node.outputs
    if graph.outputs != (current,):
        raise UnsupportedModelError(f"the graph's output is {graph.outputs[0]!r}; only the last stream, {current!r}, is accepted")
    nodes = tuple(node for node in graph.nodes if isinstance(node, HardwareNode))
    if not nodes:
        raise UnsupportedModelError("the graph holds no node that becomes hardware")
    others = [n.name for n in graph.nodes if not isinstance(n, HardwareNode | Flatten)]
    assert not others, f"node {others[0]} is neither hardware nor wires"
    return nodes


def stream_lanes(graph: Graph) -> dict[str, int]:
    """Elements a beat on every stream, of a folded graph with its width converters."""
    nodes = hardware_chain(graph)
    lanes = {next(iter(graph.inputs)): nodes[0].in_lanes}
    for node in graph.nodes:
        lanes[node.outputs[0]] = node.out_lanes if isinstance(node, HardwareNode) else lanes[node.inputs[0]]
    return lanes
