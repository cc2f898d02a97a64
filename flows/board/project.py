"""The folder of a board build: hardware, Vivado's scripts for each stage, and the deployment that the bitstream completes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.flows.board import tcl
from xnorflow.flows.board.deploy import NAME, deployment_of, write_deployment
from xnorflow.flows.board.widths import dma_bytes
from xnorflow.flows.board.wrapper import SHELL_MODULE, wrapper_text
from xnorflow.flows.stages import Stage, write_continue
from xnorflow.hw.build import TOP
from xnorflow.hw.emit.folder import for_xc7, library_sources
from xnorflow.sim.pynq.axi_dma import LENGTH_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xnorflow.flows.board.boards import Board
    from xnorflow.hw.build import Build
    from xnorflow.sim.packing import BeatFormat

_SCRIPTS = Path(__file__).parent / "vivado"
_MADE = {
    "project": (f"project/{NAME}.xpr",),
    "synthesis": ("reports/utilisation_synthesis.txt",),
    "implementation": ("reports/utilisation.txt", "reports/timing.txt", "reports/slack.txt"),
    "bitstream": (f"deploy/{NAME}.bit", f"deploy/{NAME}.hwh"),
}

STAGES = tuple(Stage(name, "vivado", ("-mode", "batch", "-nojournal", "-nolog", "-source", f"tcl/{name}.tcl"), made) for name, made in _MADE.items())


def write_project(folder: Path, build: Build, board: Board, clock_ns: float, jobs: int | None = None) -> None:
    """Fill an empty folder with everything that Vivado and the board need.

    Args:
        folder: where; nothing in it names a path outside it, so that it can be moved.
        build: the compiled network.
        board: where it shall run.
        clock_ns: period of the network's clock.
        jobs: processes of Vivado at a time; None for one a CPU of this machine.

    Raises:
        BadInputError: a stream is too wide for the shell.
    """
    deployment = deployment_of(build, board, 1000 / clock_ns)
    _write_hardware(folder / "hw", build, board, deployment.source, deployment.sink)
    (folder / "tcl").mkdir()
    for script in _SCRIPTS.glob("*.tcl"):
        (folder / "tcl" / script.name).write_bytes(script.read_bytes())
    values = {**_streams(board, deployment.source, deployment.sink), **_asked(board, clock_ns, jobs or os.cpu_count() or 1), **_files(folder / "hw")}
    (folder / "tcl" / "settings.tcl").write_text(tcl.settings(values), encoding="ascii")
    (folder / "deploy").mkdir()
    write_deployment(folder / "deploy", deployment)
    write_continue(folder, STAGES)


def _write_hardware(folder: Path, build: Build, board: Board, source: BeatFormat, sink: BeatFormat) -> None:
    parts = {"rtl": "*.sv", "mem": "*.mem", **({"xc7": "*.sv"} if board.xc7 else {})}
    for part, pattern in parts.items():
        (folder / part).mkdir(parents=True)
        for path in sorted((build.folder / part).glob(pattern)):
            _copy(path.read_text(encoding="utf-8"), folder / part / path.name, board)
    for name, text in library_sources({"xf_axis_batch"}).items():
        _copy(text, folder / "rtl" / f"{name}.sv", board)
    _copy((build.folder / f"{TOP}.v").read_text(encoding="utf-8"), folder / f"{TOP}.v", board)
    (folder / f"{SHELL_MODULE}.v").write_text(wrapper_text(TOP, source, sink), encoding="ascii")


def _copy(text: str, target: Path, board: Board) -> None:
    """On xc7 the file itself says so: a define of the project does not reach every run of Vivado."""
    target.write_text(for_xc7(text) if board.xc7 else text, encoding="utf-8")


def _asked(board: Board, clock_ns: float, jobs: int) -> dict[str, str | Iterable[str]]:
    system = board.system
    return {
        "xf_name": NAME,
        "xf_part": board.part,
        "xf_clock_mhz": f"{1000 / clock_ns:.6f}",
        "xf_jobs": str(jobs),
        "xf_ps_ip": system.ip,
        "xf_ps_clock": system.clock,
        "xf_ps_reset": system.reset,
        "xf_ps_control": system.control,
        "xf_ps_control_clock": system.control_clock,
        "xf_ps_memory": system.memory,
        "xf_ps_memory_clock": system.memory_clock,
        "xf_ps_properties": [word for key, value in system.properties.items() for word in (f"CONFIG.{key}", value)],
        "xf_ps_external": [word for pair in system.external.items() for word in pair],
        "xf_memory_bits": str(system.memory_bits),
        "xf_address_bits": str(system.address_bits),
        "xf_length_bits": str(LENGTH_BITS),
    }


def _streams(board: Board, source: BeatFormat, sink: BeatFormat) -> dict[str, str | Iterable[str]]:
    most = board.system.memory_bits // 8
    values: dict[str, str | Iterable[str]] = {"xf_module": SHELL_MODULE}
    for name, beats in (("in", source), ("out", sink)):
        values[f"xf_{name}_bytes"] = str(beats.bytes)
        values[f"xf_{name}_dma_bytes"] = str(dma_bytes(beats.bytes, beats.beats * beats.bytes, most))
    return values


def _files(hardware: Path) -> dict[str, str | Iterable[str]]:
    cells = sorted(path.relative_to(hardware).as_posix() for path in hardware.rglob("*.sv"))
    return {"xf_netlists": [f"{TOP}.v", f"{SHELL_MODULE}.v"], "xf_cells": cells}
