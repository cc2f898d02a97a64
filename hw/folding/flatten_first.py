"""Moves a Flatten in front of the elementwise nodes before it, so that their lanes may span pixels.

An image of one channel could otherwise enter a multi-layer perceptron only one pixel a cycle. What repeats itself from
pixel to pixel costs nothing more: the cells store it once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.nodes import Flatten, Table, Threshold

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, Node


def flatten_first(graph: Graph) -> Graph:
    """The same function with every Flatten moved to the front of the Thresholds and Tables that feed it."""
    nodes = list(graph.nodes)
    for index in range(len(nodes)):
        start = index
        while isinstance(nodes[index], Flatten) and start > 0 and _feeds(graph, nodes[start - 1], nodes[start]):
            start -= 1
        if start < index:
            nodes[start : index + 1] = _moved(graph, nodes[index], nodes[start:index])
    return graph.with_nodes(nodes)


def _feeds(graph: Graph, before: Node, node: Node) -> bool:
    """Whether an elementwise node in front of another feeds it alone."""
    return isinstance(before, Threshold | Table) and before.outputs == node.inputs and graph.consumers(before.outputs[0]) == (node,)


def _moved(graph: Graph, flatten: Node, before: list[Node]) -> list[Node]:
    source = before[0].inputs
    stream = f"{flatten.name}_first"
    moved: list[Node] = [replace(flatten, inputs=source, outputs=(stream,))]
    for node in before:
        out = flatten.outputs[0] if node is before[-1] else f"{node.outputs[0]}_flat"
        moved.append(_over_pixels(graph, node, (stream,), (out,)))
        stream = out
    return moved


def _over_pixels(graph: Graph, node: Node, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Node:
    """An elementwise node over the elements of all pixels."""
    (kind,) = graph.types_of(node)
    pixels = kind.size // kind.channels
    if isinstance(node, Threshold):
        thresholds, negate = np.tile(node.thresholds, (pixels, 1)), np.tile(node.negate, pixels)
        return replace(node, inputs=inputs, outputs=outputs, thresholds=thresholds, negate=negate)
    assert isinstance(node, Table)
    values = node.values if len(node.values) == 1 else np.tile(node.values, (pixels, 1))
    return replace(node, inputs=inputs, outputs=outputs, values=values)
