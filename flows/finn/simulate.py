"""The RTL that FINN's builder generated, in Verilator, against the interpreter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.flows.finn.checks import probe_images
from xnorflow.flows.finn.fifos import finn_fifos
from xnorflow.flows.finn.settings import TOP
from xnorflow.hw.interpreter import execute
from xnorflow.sim.chain import first_problem
from xnorflow.sim.rtl import RtlRequest, simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xnorflow.hw.build import Build
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True)
class SimulatedFigures:
    """A simulation in which every frame was equal.

    Attributes:
        images: compared.
        cycles: simulated in all.
        cycles_per_image, interval: between two frames, measured, and as the token model has it with FINN's FIFOs.
        latency: of the first frame.
    """

    images: int
    cycles: int
    cycles_per_image: float | None
    interval: int
    latency: int | None


def simulate_stitched(
    build: Build, folder: Path, count: int, *, images: IntArray | None = None, stalls: bool = False, progress: Callable[[str], None] | None = None
) -> SimulatedFigures:
    """Stream images through ``finn_top``, half of them before a reset in mid-frame, and compare with ``==``.

    Args:
        build: the network.
        folder: where the stitched RTL is.
        count: images: all of the least value, all of the greatest, then random ones, where none are given.
        images: int64 ``(N, *shape)``.
        stalls: draw input gaps and output stalls.
        progress: called with a line of text.

    Raises:
        BadInputError: there is no stitched RTL.
        CheckFailedError: a handshake rule is broken, a deadlock, or another integer than the interpreter's.
    """
    if not (folder / f"{TOP}.v").is_file():
        raise BadInputError(f"{folder} holds no {TOP}.v; FINN's builder has not come to step_set_fifo_depths")
    graph = build.graph
    (name,), (out,) = graph.inputs, graph.outputs
    if images is None:
        images = probe_images(graph, count, seed=1)
    wanted = execute(graph, {name: images})[out]
    result = simulate(replace(RtlRequest.of(build, stalls=stalls), folder=folder, top=TOP), images, progress=progress)
    for first, part in result.parts:
        _, problem = first_problem(first, part, wanted, result.sink)
        if problem is not None:
            raise CheckFailedError(f"of FINN's builder, {problem}")
    return SimulatedFigures(len(images), result.cycles, result.cycles_per_image, finn_fifos(graph).interval, result.latency)
