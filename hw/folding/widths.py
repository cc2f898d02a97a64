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
    lanes = 0
    stream = {name: name for name in graph.inputs}
    nodes: list[Node] = []
    for node in graph.nodes:
        source = stream[node.inputs[0]]
        if isinstance(node, HardwareNode):
            for step, width in enumerate(_steps(lanes, node.in_lanes)):
                name = f"{node.name}_width{step}"
                nodes.append(WidthConverter(name=name, inputs=(source,), outputs=(name,), lanes_in=lanes, lanes_out=width))
                source, lanes = name, width
            lanes = node.out_lanes
        nodes.append(replace(node, inputs=(source,)))
        stream[node.outputs[0]] = node.outputs[0]
    return graph.with_nodes(nodes)


def _steps(before: int, after: int) -> tuple[int, ...]:
    if before in (0, after):
        return ()
    if before % after == 0 or after % before == 0:
        return (after,)
    return (lcm(before, after), after)
