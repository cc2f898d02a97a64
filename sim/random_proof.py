"""Random networks with random foldings through QONNX, interpreter, CPU and RTL."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import CheckFailedError
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.folding.finn_json import divisors
from xnorflow.hw.interpreter import execute
from xnorflow.hw.lowering import lower, qonnx_execute
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.plan import plan
from xnorflow.hw.random_networks import draw
from xnorflow.sim.chain import check_rtl
from xnorflow.sim.cpu import CpuRuntime
from xnorflow.sim.mismatch import first_difference
from xnorflow.sim.multi import NetworkBatch, NetworkCase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xnorflow.hw.estimate.report import Estimate
    from xnorflow.hw.graph import Graph
    from xnorflow.hw.lowering.pipeline import Lowered
    from xnorflow.hw.types import IntArray
    from xnorflow.hw.write_build import BuildContents

IMAGES = 5


@dataclass(frozen=True)
class NetworkFigures:
    """One network that is equal on all links.

    Attributes:
        seed: it was drawn from.
        nodes: hardware and wire nodes of the folded graph.
        images: frames compared, on each link.
        frames: streamed through the RTL, with and without stalls.
        cycles: simulated.
        interval, estimate: measured and estimated cycles a frame, without stalls.
        latency, latency_estimate: of the first frame, likewise.
    """

    seed: int
    nodes: int
    images: int
    frames: int
    cycles: int
    interval: float
    estimate: int
    latency: int
    latency_estimate: int


def random_folding(graph: Graph, rng: np.random.Generator) -> dict[str, Any]:
    """A PE and a SIMD for each matrix, drawn evenly from all divisors."""
    nodes = [node for node in graph.nodes if isinstance(node, MatVec)]
    return {node.name: {"PE": int(rng.choice(divisors(node.mh))), "SIMD": int(rng.choice(divisors(node.mw)))} for node in nodes}


def random_graph(seed: int, model: Any) -> Graph:
    """A model as hardware: lowered, folded at random, with its FIFOs."""
    return _planned(lower(model), np.random.default_rng(seed)).graph


def _planned(lowered: Lowered, rng: np.random.Generator) -> BuildContents:
    folding = FoldingRequest(layers=random_folding(lowered.graph, rng))
    return plan(lowered.graph, tail=lowered.tail, pixel_norm=lowered.pixel_norm, folding=folding)


def prove_networks(
    seeds: Sequence[int], *, drawn: Callable[[int], Any] = draw, progress: Callable[[str], None] | None = None
) -> list[NetworkFigures]:
    """Draw one network from each seed and prove all links equal; the RTL of all shares one compiled model.

    Args:
        seeds: one for each network.
        drawn: makes a model of a seed; chains by default.
        progress: is told what is being done.

    Raises:
        CheckFailedError: a link differs; the message begins with the seed.
    """
    prepared = [_prepare(seed, drawn(seed)) for seed in seeds]
    with tempfile.TemporaryDirectory(prefix="xnorflow-random-") as name:
        batch = NetworkBatch.build([case for case, _, _ in prepared], Path(name), progress=progress)
        return [_prove_rtl(batch, seed, *item) for seed, item in zip(seeds, prepared, strict=True)]


def _prepare(seed: int, model: Any) -> tuple[NetworkCase, IntArray, Estimate]:
    """Lower, fold; compare QONNX and the CPU with the interpreter. Returns the case, its outputs and what is estimated of it."""
    rng = np.random.default_rng(seed)
    lowered = lower(model)
    planned = _planned(lowered, rng)
    graph, estimate = planned.graph, planned.estimate
    (source,) = graph.inputs
    pixels = rng.integers(0, 256, (IMAGES, *graph.inputs[source].shape), dtype=np.uint8)
    images = pixels.astype(np.int64)
    outputs = execute(graph, {source: images})[graph.outputs[0]]
    logits = qonnx_execute(model, np.ascontiguousarray(lowered.pixel_norm.apply(pixels).transpose(0, 3, 1, 2)))
    _same(seed, "QONNX", logits, lowered.tail.apply(outputs))
    _same(seed, "the CPU runtime", CpuRuntime(graph).run(pixels), outputs)
    patience = 4 * (estimate.latency + estimate.interval) + 4000
    return NetworkCase(f"net{seed}", graph, images, seed, patience), outputs, estimate


def _same(seed: int, name: str, got: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> None:
    found = first_difference(got, wanted)
    if found is not None:
        raise CheckFailedError(f"random network {seed}: {found.text('the output', name, 'the interpreter')}")


def _prove_rtl(batch: NetworkBatch, seed: int, case: NetworkCase, outputs: IntArray, estimate: Estimate) -> NetworkFigures:
    frames = cycles = latency = 0
    interval = 0.0
    for stalls in (False, True):
        result = batch.simulate(case, stalls=stalls)
        try:
            check_rtl(batch.request(case, stalls=stalls), case.images, outputs, result)
        except CheckFailedError as error:
            raise CheckFailedError(f"random network {seed}: {error}") from error
        frames += sum(len(made) for _, part in result.parts for made in part.outputs)
        cycles += result.cycles
        if not stalls:
            interval, latency = result.cycles_per_image or 0.0, result.latency or 0
    size = len(case.graph.nodes), len(case.images)
    return NetworkFigures(seed, *size, frames, cycles, interval, estimate.interval, latency, estimate.latency)
