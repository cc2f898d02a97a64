"""Width converters between nodes whose lanes differ."""

from __future__ import annotations

from dataclasses import replace
from math import lcm
from typing import TYPE_CHECKING

from xnorflow.hw.graph import HardwareNode
from xnorflow.hw.nodes import WidthConverter

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node


def insert_width_converters(graph: Graph) -> Graph:
    """Put a converter where lanes change; two, through their least common multiple, where neither width divides the other.

    The wide stream in the middle carries as many elements a cycle as the faster side takes, so no throughput is lost.
    """
    lanes = dict.fromkeys(graph.inputs, 0)
    nodes: list[Node] = []
    for node in graph.nodes:
        if not isinstance(node, HardwareNode):
            nodes.append(node)
            lanes |= dict.fromkeys(node.outputs, lanes[node.inputs[0]])
            continue
        converters: list[Node] = []
        sources = []
        for source in node.inputs:
            before, stream = lanes[source], source
            for width in converter_steps(before, node.in_lanes):
                name = f"{node.name}_width{len(converters)}"
                converters.append(WidthConverter(name=name, inputs=(stream,), outputs=(name,), lanes_in=before, lanes_out=width))
                before, stream = width, name
            sources.append(stream)
        nodes += [*converters, replace(node, inputs=tuple(sources))]
        lanes |= dict.fromkeys(node.outputs, node.out_lanes)
    return graph.with_nodes(nodes)


def converter_steps(before: int, after: int) -> tuple[int, ...]:
    """Lanes behind each converter between two cells of these lanes; none behind a graph's input, whose lanes are 0."""
    if before in (0, after):
        return ()
    if before % after == 0 or after % before == 0:
        return (after,)
    return (lcm(before, after), after)
