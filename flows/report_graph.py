"""A dataflow graph as SVG: cells in layers from top to bottom, streams as curves between them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from xnorflow.hw.folding.hardware import carriers, hardware_nodes
from xnorflow.hw.nodes import Fifo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xnorflow.hw.build import Build
    from xnorflow.hw.graph import HardwareNode

WIDTH, HEIGHT, ACROSS, DOWN = 224, 58, 254, 92


def graph_svg(build: Build, state: str) -> str:
    """The cells of a build, each with its folding, cycles, LUTs, FIFO depth and verification state.

    Args:
        build: the opened build.
        state: what is known of all its cells, such as ``equal on 100 images``.
    """
    nodes, made_by = hardware_nodes(build.graph), carriers(build.graph)
    figures = {node.name: node for node in build.estimate.nodes}
    maker = {stream: node for node in nodes for stream in node.outputs}
    before = {node.name: [maker[made_by[s]].name for s in node.inputs if made_by[s] in maker] for node in nodes}
    places = _places(nodes, before)
    slowest = max(node.interval for node in build.estimate.nodes)
    parts = [_curve(places[name], places[node.name]) for node in nodes for name in before[node.name]]
    for node in nodes:
        cell = figures[node.name]
        lines = [node.name, f"{node.op} {cell.in_lanes} \u2192 {cell.out_lanes}", f"{cell.interval:,} cycles, {cell.lut:,} LUT"]
        if isinstance(node, Fifo):
            lines[1] = f"Fifo, {node.depth:,} deep, {cell.fifo_bits:,} bits"
        kind = "slow" if cell.interval == slowest else "fifo" if isinstance(node, Fifo) else "cell"
        parts.append(_box(places[node.name], lines, kind, f"{node.name}: {cell.ff:,} FF, {cell.bram18} BRAM18, {cell.dsp} DSP; {state}"))
    width = max(x for x, _ in places.values()) + WIDTH + 20
    height = max(y for _, y in places.values()) + HEIGHT + 20
    return f'<svg class="graph" viewBox="0 0 {width} {height}" data-box="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'


def _places(nodes: Sequence[HardwareNode], before: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, int]]:
    """Left upper corners: a cell stands below all that feed it, beside those that stand there already."""
    layers: dict[str, int] = {}
    filled: dict[int, int] = {}
    places = {}
    for node in nodes:
        layer = layers[node.name] = 1 + max((layers[name] for name in before[node.name]), default=-1)
        column = filled.get(layer, 0)
        filled[layer] = column + 1
        places[node.name] = (10 + column * ACROSS, 10 + layer * DOWN)
    return places


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    x, y, u, v = start[0] + WIDTH // 2, start[1] + HEIGHT, end[0] + WIDTH // 2, end[1]
    return f'<path class="stream" d="M{x} {y} C{x} {y + 30} {u} {v - 30} {u} {v}"/>'


def _box(place: tuple[int, int], lines: Sequence[str], kind: str, title: str) -> str:
    x, y = place
    words = "".join(f'<text x="{x + 8}" y="{y + 18 + 16 * i}">{escape(_short(line))}</text>' for i, line in enumerate(lines))
    return f'<g class="{kind}"><title>{escape(title)}</title><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>{words}</g>'


def _short(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most // 2 - 1] + "\u2026" + text[-most // 2 :]
