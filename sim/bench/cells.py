"""Proves library cells against their nodes: many configurations in one simulation, on either simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.sim.bench.plan import CellCase, make_plan, save_plans
from xnorflow.sim.bench.wrapper import TOP, write_bench
from xnorflow.sim.tools import LIBRARY, CocotbJob, library_sources, run_cocotb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from xnorflow.sim.tools import Simulator

__all__ = ["CellCase", "check_cells"]

FRAMES = 6  # different frames
FREE_FRAMES = 6  # frames of the unstalled run, enough for every cell to become steady


def check_cells(cases: Sequence[CellCase], simulator: Simulator, folder: Path, seed: int, *, library: Path = LIBRARY) -> None:
    """Run the cell bench.

    Every configuration runs alone and unstalled first, where each output beat must come in the cycle that
    ``hw/timing.py`` says; then under every pattern of gaps and stalls, with a reset in mid-frame after each.

    Args:
        cases: what to prove.
        simulator: where.
        folder: an empty folder to work in.
        seed: of frames, gaps, stalls and resets.
        library: folder of the cells.

    Raises:
        CheckFailedError: a value, a cycle or the handshake is wrong; the message names the configuration and the beat.
        MissingToolError: the simulator or cocotb is not installed.
    """
    folder = folder.resolve()
    top = write_bench(cases, folder)
    plans = [make_plan(case, FRAMES, FREE_FRAMES, seed + index) for index, case in enumerate(cases)]
    save_plans(plans, folder / "plan.json")
    job = CocotbJob(
        simulator=simulator,
        sources=(*library_sources(library), top),
        top=TOP,
        module="xnorflow.sim.bench.cell_bench",
        build=folder / "build",
        work=folder,
        defines={"XF_CHECK_STREAMS": "1"},
        plusargs={"plan": "plan.json", "seed": str(seed)},
        seed=seed,
        optimise=0,
    )
    run_cocotb(job)
