"""A build's RTL in the Verilator engine: whole image sets in, integer outputs and cycle counts out."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.sim.engine.model import compile_model
from xnorflow.sim.engine.session import SessionRequest, SessionResult, Step, proof_steps, run_session
from xnorflow.sim.engine.wrapper import ProbeNets, Top
from xnorflow.sim.packing import BeatFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xnorflow.hw.build import Build
    from xnorflow.hw.graph import Graph, HardwareNode
    from xnorflow.hw.types import IntArray
    from xnorflow.sim.engine.model import CompiledModel

_LEAST_SHARE = 64  # images that make a second process worth while


def source_format(graph: Graph) -> BeatFormat:
    """The beats of ``s_axis``."""
    node = hardware_nodes(graph)[0]
    return BeatFormat(graph.types_of(node)[0], node.in_lanes)


def sink_format(graph: Graph) -> BeatFormat:
    """The beats of ``m_axis``."""
    node = hardware_nodes(graph)[-1]
    return BeatFormat(graph.streams[graph.outputs[0]], node.out_lanes)


def node_format(graph: Graph, node: HardwareNode) -> BeatFormat:
    """The beats that a node makes."""
    return BeatFormat(graph.streams[node.outputs[0]], node.out_lanes)


def top_of(graph: Graph, module: str, *, probed: bool = False) -> Top:
    """How the wrapper sees an emitted top; with ``probed``, the (first) output stream of every node can be recorded."""
    probes = tuple(_probe(node, node_format(graph, node).bits) for node in hardware_nodes(graph)) if probed else ()
    return Top(module, source_format(graph).bytes, sink_format(graph).bytes, probes)


def _probe(node: HardwareNode, bits: int) -> ProbeNets:
    bit, part = ("", "") if len(node.outputs) == 1 else ("[0]", f"[{bits - 1}:0]")
    return ProbeNets(node.name, f"n_{node.name}_valid{bit}", f"n_{node.name}_ready{bit}", f"n_{node.name}_data{part}", bits)


@dataclass(frozen=True)
class RtlRequest:
    """How to simulate a build.

    Attributes:
        graph: the folded graph that was emitted.
        folder: the build folder.
        top: the emitted module's name.
        stalls, seed: random gaps and stalls; the seed also draws the state that no reset touches.
        patience: cycles without a beat after which the top counts as stuck.
        processes: most simulations at a time; None for one a CPU.
    """

    graph: Graph
    folder: Path
    top: str = "top"
    stalls: bool = False
    seed: int = 0
    patience: int = 1_000_000
    processes: int | None = None

    @classmethod
    def of(cls, build: Build, *, stalls: bool = False, seed: int = 0) -> RtlRequest:
        """Simulate a build folder; its estimate says how long a beat may take."""
        estimate = build.estimate
        patience = (estimate.latency + estimate.interval + 1000) * (32 if stalls else 4)
        return cls(build.graph, build.folder, stalls=stalls, seed=seed, patience=patience)


@dataclass(frozen=True, eq=False)
class RtlResult:
    """What the RTL made.

    Attributes:
        parts: one for each process: number of its first image, and what came out.
        sink: format of the output frames.
    """

    parts: tuple[tuple[int, SessionResult], ...]
    sink: BeatFormat

    @property
    def cycles(self) -> int:
        """Clock cycles simulated in all."""
        return sum(part.cycles for _, part in self.parts)

    @property
    def cycles_per_image(self) -> float | None:
        """Mean distance of two frames' last beats in the later half of the final back-to-back run; None below two images.

        The earlier half is left out because the first frames find an empty pipeline and are not yet evenly spaced.
        """
        runs = [part.done[-1] for _, part in self.parts]
        steady = [times[(len(times) - 1) // 2 :] for times in runs if len(times) > 1]
        gaps = sum(len(times) - 1 for times in steady)
        return sum(int(times[-1] - times[0]) for times in steady) / gaps if gaps else None

    @property
    def latency(self) -> int | None:
        """Cycles from the first beat in to the last beat of the first frame out, both included."""
        times = self.parts[0][1].done[0]
        return int(times[0]) + 1 if len(times) else None


def rtl_model(request: RtlRequest, *, probed: bool = False, progress: Callable[[str], None] | None = None) -> CompiledModel:
    """Compile a build's top, or take the compiled one from ``BUILD/sim``."""
    verilog = [*sorted((request.folder / "rtl").glob("*.sv")), request.folder / f"{request.top}.v"]
    return compile_model(verilog, (top_of(request.graph, request.top, probed=probed),), request.folder / "sim", progress=progress)


def simulate(request: RtlRequest, images: IntArray, *, progress: Callable[[str], None] | None = None) -> RtlResult:
    """Stream images through the RTL: half of them, a reset in mid-frame, then all, each time back to back.

    Args:
        request: what to simulate.
        images: int64 ``(N, H, W, C)``, at least 2.
        progress: called with a line of text.

    Raises:
        CheckFailedError: the RTL does not compile or the simulator complains.
    """
    return _in_parts(request, images, proof_steps, progress)


def simulate_once(request: RtlRequest, images: IntArray, *, progress: Callable[[str], None] | None = None) -> RtlResult:
    """Stream images through the RTL once, after a reset; otherwise as :func:`simulate`, and one image is enough."""
    return _in_parts(request, images, lambda frames, _: (Step("reset"), Step("stream", 0, frames)), progress)


def _in_parts(
    request: RtlRequest, images: IntArray, steps: Callable[[int, int], tuple[Step, ...]], progress: Callable[[str], None] | None
) -> RtlResult:
    """Share the images among processes, each with its own simulation."""
    model = rtl_model(request, progress=progress)
    source, sink = source_format(request.graph), sink_format(request.graph)
    packed = source.pack(images)
    count = max(1, min(request.processes or os.cpu_count() or 1, len(images) // _LEAST_SHARE))
    bounds = np.linspace(0, len(images), count + 1).astype(int).tolist()
    board = [0] * count

    def part(index: int) -> SessionResult:
        share = packed[bounds[index] : bounds[index + 1]]
        session = SessionRequest(
            model=model,
            top=request.top,
            folder=request.folder,
            source=source,
            sink=sink,
            steps=steps(len(share), source.beats),
            stalls=request.stalls,
            seed=request.seed + index,
            patience=request.patience,
        )
        return run_session(session, share, progress=lambda done: _tell(progress, board, index, done))

    with ThreadPoolExecutor(count) as pool:
        results = list(pool.map(part, range(count)))
    return RtlResult(tuple(zip(bounds, results, strict=False)), sink)


def _tell(progress: Callable[[str], None] | None, board: list[int], index: int, done: int) -> None:
    board[index] = done
    if progress is not None:
        progress(f"RTL: {sum(board)} frames")


def plain_run(request: RtlRequest, images: IntArray, probes: Path, *, progress: Callable[[str], None] | None = None) -> SessionResult:
    """Stream images once after a reset and record the output of every node as ``probes/<node>.bin``."""
    model = rtl_model(request, probed=True, progress=progress)
    source, sink = source_format(request.graph), sink_format(request.graph)
    steps = (Step("reset"), Step("stream", 0, len(images)))
    session = SessionRequest(model, request.top, request.folder, source, sink, steps, request.stalls, request.seed, request.patience)
    return run_session(replace(session, probes=probes), source.pack(images))
