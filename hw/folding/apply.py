"""From a target or a record to a folded graph with its width converters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xnorflow.errors import FoldingError
from xnorflow.hw.folding.choose import Laned, choose_lanes, choose_matvec, lane_candidates, matvec_candidates
from xnorflow.hw.folding.cycles import interval
from xnorflow.hw.folding.finn_json import parse_folding
from xnorflow.hw.folding.request import DEFAULT_CLOCK_MHZ
from xnorflow.hw.folding.widths import insert_width_converters
from xnorflow.hw.graph import HardwareNode
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.graph import Graph, Node


def fold_by_layers(graph: Graph, record: Mapping[str, Any]) -> Graph:
    """The folding that FINN's record asks for; the other nodes keep up with the slowest matrix-vector node.

    Raises:
        FoldingError: an unknown layer, or a PE or SIMD that does not divide.
    """
    chosen = parse_folding(graph, record)
    return _with_folding(graph, chosen, _slowest(graph, chosen))


def fold_to_interval(graph: Graph, target: int, clock_mhz: float = DEFAULT_CLOCK_MHZ) -> Graph:
    """The cheapest folding whose every node needs at most ``target`` cycles a frame.

    Raises:
        FoldingError: some node cannot; the message names the slowest and the greatest reachable rate.
    """
    reachable, limit = fastest(graph)
    if target < reachable:
        raise FoldingError(
            f"target of {clock_mhz * 1e6 / max(target, 1):.6g} fps at {clock_mhz:g} MHz needs {target} cycles a frame; "
            f"node {limit} takes at least {reachable}, so at most {clock_mhz * 1e6 / reachable:.6g} fps are reachable"
        )
    chosen: dict[str, tuple[int, int]] = {}
    for node in graph.nodes:
        if isinstance(node, MatVec):
            pair = choose_matvec(graph, node, target)
            assert pair is not None
            chosen[node.name] = pair
    return _with_folding(graph, chosen, target)


def fastest(graph: Graph) -> tuple[int, str]:
    """The least interval that the whole chain can reach, and the name of the node that limits it."""
    least: list[tuple[int, str]] = []
    for node in graph.nodes:
        if isinstance(node, MatVec):
            least.append((min(matvec_candidates(graph, node))[0], node.name))
        elif isinstance(node, Laned):
            ins = graph.types_of(node)
            widest = max(lane_candidates(node, ins, 1 << 62))
            least.append((interval(replace(node, lanes=widest), ins), node.name))
    return max(least, key=lambda item: item[0])


def _slowest(graph: Graph, chosen: dict[str, tuple[int, int]]) -> int:
    slowest = fastest(graph)[0]
    for node in graph.nodes:
        if isinstance(node, MatVec):
            pe, simd = chosen[node.name]
            (kind,) = graph.types_of(node)
            slowest = max(slowest, kind.size // kind.channels * (node.mh // pe) * (node.mw // simd))
    return slowest


def _with_folding(graph: Graph, chosen: dict[str, tuple[int, int]], target: int) -> Graph:
    folded: list[Node] = [replace(n, pe=chosen[n.name][0], simd=chosen[n.name][1]) if isinstance(n, MatVec) else n for n in graph.nodes]
    lanes = dict.fromkeys(graph.inputs, 0)
    for index, node in enumerate(folded):
        before = lanes[node.inputs[0]]
        if isinstance(node, Laned):
            candidates = lane_candidates(node, graph.types_of(node), target)
            folded[index] = replace(node, lanes=choose_lanes(node, candidates, before, _reader(folded, node)))
        placed = folded[index]
        lanes |= dict.fromkeys(node.outputs, placed.out_lanes if isinstance(placed, HardwareNode) else before)
    return insert_width_converters(graph.with_nodes(folded))


def _reader(nodes: list[Node], node: Node) -> HardwareNode | None:
    """The cell that reads a node's first output, through the Flattens between."""
    (stream, *_) = node.outputs
    after = next((n for n in nodes if stream in n.inputs), None)
    return after if after is None or isinstance(after, HardwareNode) else _reader(nodes, after)
