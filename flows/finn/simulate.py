"""The RTL that FINN's builder generated, in Verilator, against the interpreter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.flows.finn.fifos import finn_fifos
from xnorflow.hw.interpreter import execute
from xnorflow.sim.mismatch import first_difference
from xnorflow.sim.rtl import RtlRequest, simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xnorflow.hw.build import Build
    from xnorflow.hw.types import IntArray

TOP = "finn_top"


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
        count: images, drawn at random where none are given.
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
        kind = graph.inputs[name].dtype
        images = np.random.default_rng(1).integers(kind.minimum, kind.maximum + 1, (count, *graph.inputs[name].shape))
    wanted = execute(graph, {name: images})[out]
    result = simulate(replace(RtlRequest.of(build, stalls=stalls), folder=folder, top=TOP), images, progress=progress)
    for first, part in result.parts:
        if part.fault is not None:
            raise CheckFailedError(f"RTL of FINN's builder: {part.fault}")
        for outputs in part.outputs:
            difference = first_difference(result.sink.unpack(outputs), wanted[first:], first)
            if difference is not None:
                raise CheckFailedError(difference.text(f"stream {out!r}", "RTL of FINN's builder", "interpreter"))
    return SimulatedFigures(len(images), result.cycles, result.cycles_per_image, finn_fifos(graph).interval, result.latency)
