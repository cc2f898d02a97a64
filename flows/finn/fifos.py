"""Depths of FINN's FIFOs: as our own sizing, but with a FIFO on every stream between two nodes, and each two cycles slow instead of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.deadlock import without_fifos
from xnorflow.hw.fifo_sizing import CellNetwork
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.graph import Graph

LEAST = 5  # beats that FINN's shallowest FIFO holds: a shift register of four, and its output register
_SHIFTED = 33  # the deepest that always is a shift register
_UNLIMITED = 1 << 40


@dataclass(frozen=True)
class FinnFifos:
    """FIFOs with which a network keeps its pace.

    Attributes:
        bare: the graph without any.
        depths: beats, by the stream that fills the FIFO; for streams that it leaves out the shallowest will do.
        interval: cycles between two frames then.
    """

    bare: Graph
    depths: dict[str, int]
    interval: int


class _FinnNetwork(CellNetwork):
    """The cells of a graph with FINN's FIFOs between them."""

    def _fifo(self, stream: str, depth: int) -> Timing:
        index = np.arange(self._graph.streams[stream].beats(self._lanes[stream]), dtype=np.int64)
        latency = 2 if depth <= _SHIFTED else 3  # a deep one lies in memory, and is at most so slow
        return Timing(need=index + 1, room=index - depth + 1, gap=np.ones_like(index), latency=latency)


def finn_fifos(graph: Graph) -> FinnFifos:
    """Size FINN's FIFOs for a folded graph.

    Args:
        graph: with our FIFOs, or without.

    Raises:
        FoldingError: the cells wait for each other for ever.
    """
    bare, _ = without_fifos(graph)
    network = _FinnNetwork(bare)
    shallow = dict.fromkeys(network.edges, LEAST)
    target = max(timing.interval for timings in network.timings for timing in timings)
    if not network.joins and network.run(shallow).interval <= target:
        return FinnFifos(bare, {}, target)
    depths = _with_pace(network, shallow, network.joins or network.edges, target)
    if network.run(depths).interval > target:
        depths = _with_pace(network, shallow, network.edges, target)
    return FinnFifos(bare, {stream: depth for stream, depth in depths.items() if depth > LEAST}, network.run(depths).interval)


def _with_pace(network: _FinnNetwork, shallow: dict[str, int], edges: Mapping[str, int], target: int) -> dict[str, int]:
    """Depths of all FIFOs: on the given edges what unlimited ones hold at most, fed evenly, elsewhere the shallowest."""
    unlimited = {**shallow, **dict.fromkeys(edges, _UNLIMITED)}
    held = zip(network.placed(unlimited)[1], network.run(unlimited, target).held, strict=True)
    return {stream: max(LEAST, count + 1) if stream in edges else LEAST for stream, count in held}
