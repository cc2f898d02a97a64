"""The smallest safe FIFO depths, proven in RTL: with them a network gives every image, with one beat less in any FIFO it stops."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import CheckFailedError
from xnorflow.hw.deadlock import fifo_depths, one_less, with_depths
from xnorflow.hw.interpreter import execute
from xnorflow.sim.chain import check_rtl
from xnorflow.sim.multi import NetworkBatch, NetworkCase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xnorflow.hw.deadlock import FifoDepths
    from xnorflow.hw.graph import Graph

_STUCK = "is stuck"
_LONGEST = 1000  # cycles beyond any that passes between two beats of a network that does not stop


@dataclass(frozen=True)
class DepthFigures:
    """One network whose depths are proven.

    Attributes:
        name: of the network.
        built, safe: beats of each FIFO as sized for full speed, and the least.
        interval, safe_interval: cycles an image with either.
        stopped: FIFOs that stopped the RTL with one beat less; as many as have a least depth.
    """

    name: str
    built: tuple[int, ...]
    safe: tuple[int, ...]
    interval: int
    safe_interval: int
    stopped: int


def prove_depths(graphs: Mapping[str, Graph], *, progress: Callable[[str], None] | None = None) -> list[DepthFigures]:
    """Search for the smallest safe depths of networks and try them, and one beat less in each FIFO, in RTL; all in one compiled model.

    Args:
        graphs: folded graphs with their FIFOs, by names that suit a Verilog module.
        progress: is told what is being done.

    Raises:
        CheckFailedError: a network with its smallest depths stops, differs or has another interval, or one with less goes on; names it.
    """
    found = {name: fifo_depths(graph) for name, graph in graphs.items()}
    cases = {name: _cases(name, graph, found[name]) for name, graph in graphs.items()}
    with tempfile.TemporaryDirectory(prefix="xnorflow-depths-") as folder:
        batch = NetworkBatch.build([case for each in cases.values() for case in each], Path(folder), progress=progress)
        return [_proven(batch, name, cases[name], found[name]) for name in graphs]


def _cases(name: str, graph: Graph, found: FifoDepths) -> list[NetworkCase]:
    """The network with its smallest safe FIFOs, then once for each of them with one beat less."""
    smallest = {fifo.name: fifo.safe for fifo in found.fifos}
    variants = [smallest, *({**smallest, fifo: one_less(depth)} for fifo, depth in smallest.items() if depth)]
    (source,) = graph.inputs
    images = np.random.default_rng(0).integers(0, 256, (found.frames, *graph.inputs[source].shape))
    patience = 2 * found.frames * found.safe_interval + _LONGEST
    return [NetworkCase(f"{name}_{i}", with_depths(graph, depths), images, 0, patience) for i, depths in enumerate(variants)]


def _proven(batch: NetworkBatch, name: str, cases: list[NetworkCase], found: FifoDepths) -> DepthFigures:
    safe, *less = cases
    (source,) = safe.graph.inputs
    result = batch.simulate(safe, stalls=False)
    outputs = execute(safe.graph, {source: safe.images})[safe.graph.outputs[0]]
    try:
        check_rtl(batch.request(safe, stalls=False), safe.images, outputs, result)
    except CheckFailedError as error:
        raise CheckFailedError(f"network {name} with its smallest safe FIFOs: {error}") from error
    if result.cycles_per_image != found.safe_interval:
        raise CheckFailedError(f"network {name} with its smallest safe FIFOs: {result.cycles_per_image} cycles an image, not {found.safe_interval}")
    for case in less:
        (_, part), *_ = batch.simulate(case, stalls=False).parts
        if part.fault is None or not part.fault.startswith(_STUCK):
            raise CheckFailedError(f"network {case.name}: goes on with one beat less in a FIFO than is safe ({part.fault or 'no fault'})")
    fifos = found.fifos
    return DepthFigures(name, tuple(f.depth for f in fifos), tuple(f.safe for f in fifos), found.interval, found.safe_interval, len(less))
