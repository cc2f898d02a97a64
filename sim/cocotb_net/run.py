"""Runs the protocol bench over a build on the simulators that are there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.sim.cocotb_net.plan import NetPlan
from xnorflow.sim.rtl import sink_format, source_format
from xnorflow.sim.tools import CocotbJob, run_cocotb

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from xnorflow.hw.build import Build
    from xnorflow.hw.types import IntArray
    from xnorflow.sim.tools import Simulator


def run_benches(
    build: Build,
    images: npt.NDArray[np.uint8],
    outputs: IntArray,
    *,
    stalls: bool,
    seed: int,
    simulators: tuple[Simulator, ...] | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Simulator, ...]:
    """Stream images through the generated top under cocotb and compare.

    Args:
        build: the build folder.
        images: uint8 ``(N, H, W, C)``.
        outputs: what the interpreter makes of them, int64.
        stalls: random gaps and stalls.
        seed: of those.
        simulators: where; None for Verilator, and Icarus where it is installed.
        progress: called with a line of text.

    Returns:
        The simulators that ran.

    Raises:
        CheckFailedError: a frame or the handshake is wrong; the message names image, beat and seed.
        MissingToolError: a simulator or cocotb is not installed.
    """
    chosen: tuple[Simulator, ...] = simulators or (("verilator", "icarus") if shutil.which("iverilog") else ("verilator",))
    source, sink = source_format(build.graph), sink_format(build.graph)
    patience = (build.estimate.latency + build.estimate.interval + 1000) * (32 if stalls else 4)
    plan = NetPlan(source.pack(images.astype("int64")), sink.pack(outputs), stalls, patience)
    with tempfile.TemporaryDirectory(prefix="xnorflow-cocotb-") as name:
        work = Path(name)
        plan.save(work / "plan.npz")
        hardware = _copied(build.folder, work / "hardware")
        for simulator in chosen:
            if progress is not None:
                progress(f"cocotb on {simulator}: {len(images)} images")
            run_cocotb(_job(hardware, simulator, work, seed))
    return chosen


def _copied(folder: Path, target: Path) -> Path:
    """What the simulators read, copied: make cannot work where the path holds a blank, and the build may be read-only."""
    target.mkdir()
    for part in ("rtl", "mem"):
        (target / part).mkdir()
        for path in (folder / part).glob("*"):
            shutil.copyfile(path, target / part / path.name)
    shutil.copyfile(folder / "top.v", target / "top.v")
    return target


def _job(folder: Path, simulator: Simulator, work: Path, seed: int) -> CocotbJob:
    return CocotbJob(
        simulator=simulator,
        sources=(*sorted((folder / "rtl").glob("*.sv")), folder / "top.v"),
        top="top",
        module="xnorflow.sim.cocotb_net.bench",
        build=work / simulator,
        work=folder,
        plusargs={"plan": str(work / "plan.npz"), "seed": str(seed)},
        seed=seed,
    )
