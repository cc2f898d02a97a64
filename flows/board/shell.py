"""From a build folder to a bitstream in the AXI DMA shell: no Vitis HLS, stock IP only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow import __version__
from xnorflow.errors import BadInputError
from xnorflow.files import check_place, making_folder
from xnorflow.flows.board.boards import Board, board_named
from xnorflow.flows.board.deploy import deployment_of
from xnorflow.flows.board.project import STAGES, write_project
from xnorflow.flows.board.simulate import check_shell
from xnorflow.flows.board.wrapper import SHELL_MODULE
from xnorflow.flows.stages import CONTINUE, StageFolder
from xnorflow.flows.vendor_tools import missing_words
from xnorflow.hw.build import MANIFEST, Build, file_hash
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

RECORD = "shell.json"
_PERIODS = (1.0, 100.0)  # ns that the clock wizard reaches with room to spare


@dataclass(frozen=True)
class ShellResult:
    """How far a board build came.

    Attributes:
        folder: where it is.
        board: for which board.
        clock_ns: period of the network's clock.
        done: names of the finished stages.
        missing: tools that are not on PATH, for want of which the rest was left.
        interval: cycles an image, as estimated: the network's or the DMA's, whichever is longer.
        network_interval: the network's alone.
        simulated: random images on which the shell's hardware was compared with the interpreter.
        slack_ns: worst setup and hold slack after routing; None before.
    """

    folder: Path
    board: str
    clock_ns: float
    done: tuple[str, ...]
    missing: tuple[str, ...]
    interval: int
    network_interval: int
    simulated: int
    slack_ns: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return {
            "folder": str(self.folder),
            "board": self.board,
            "clock_ns": self.clock_ns,
            "stages": [stage.name for stage in STAGES],
            "done": list(self.done),
            "missing": list(self.missing),
            "interval": self.interval,
            "network_interval": self.network_interval,
            "simulated": self.simulated,
            "slack_ns": None if self.slack_ns is None else list(self.slack_ns),
        }


def shell(
    build: Path,
    board: str,
    out: Path,
    *,
    clock_ns: float | None = None,
    jobs: int | None = None,
    simulate: int = 0,
    force: bool = False,
    resume: bool = False,
    progress: Callable[[str], None] | None = None,
) -> ShellResult:
    """Write the board build of a network, and run Vivado on it where Vivado is.

    Args:
        build: folder that ``compile`` wrote.
        board: name of a board.
        out: folder to write.
        clock_ns: period of the network's clock; by default the build's.
        jobs: processes of Vivado at a time; None for one a CPU.
        simulate: first compare the shell's hardware in Verilator with the interpreter, on so many random images; 0 for none.
        force: replace a board build that stands there.
        resume: go on with the one that stands there, after its last finished stage.
        progress: called with a line of text.

    Raises:
        BadInputError: the build, the board, the clock or the folder cannot be used, or ``resume`` finds another board build.
        CheckFailedError: the simulation differs, Vivado failed, or the timing is not met.
    """
    chosen, opened = board_named(board), Build.open(build)
    period = clock_ns if clock_ns is not None else 1000 / opened.estimate.clock_mhz
    if not _PERIODS[0] <= period <= _PERIODS[1]:
        raise BadInputError(f"a clock of {period:g} ns is not possible; {_PERIODS[0]:g} to {_PERIODS[1]:g} ns are accepted")
    out, record = Path.cwd() / out, _record(opened, chosen, period)
    if resume:
        _check_same(out, record)
    else:
        check_place(out, RECORD, "board build", force=force)
        with making_folder(out, "board build") as new:
            write_project(new, opened, chosen, period, jobs)
            (new / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if simulate:
        check_shell(opened, out / "hw" / f"{SHELL_MODULE}.v", simulate, progress=progress)
    stages = StageFolder(out, STAGES)
    missing = stages.missing()
    if not missing:
        stages.run(progress)
    elif progress is not None:
        progress(f"{missing_words(missing)}; {out} is complete: run {CONTINUE} in it, or this command with --resume, where that is installed")
    done = tuple(stage.name for stage in STAGES if stages.done(stage))
    interval = deployment_of(opened, chosen, 1000 / period).interval
    return ShellResult(out, board, period, done, missing, interval, opened.estimate.interval, simulate, _slack(out))


def _record(build: Build, board: Board, period: float) -> dict[str, Any]:
    return {"xnorflow": __version__, "build": file_hash(build.folder / MANIFEST), "board": board.name, "part": board.part, "clock_ns": period}


def _check_same(out: Path, record: dict[str, Any]) -> None:
    path = out / RECORD
    if not path.is_file():
        raise BadInputError(f"{out} cannot be resumed: it is no board build (it has no {RECORD})")
    found = parse_json(path.read_text(encoding="utf-8"), str(path))
    different = next((key for key in record if not isinstance(found, dict) or found.get(key) != record[key]), None)
    if different is not None:
        raise BadInputError(f"{out} cannot be resumed: it was made with another {different}; leave out --resume and give --force to make it anew")


def _slack(out: Path) -> tuple[float, float] | None:
    path = out / "reports" / "slack.txt"
    if not path.is_file():
        return None
    try:
        setup, hold = (float(word) for word in path.read_text(encoding="utf-8").split())
    except ValueError as error:
        raise BadInputError(f"{path} is damaged: {error}") from error
    return setup, hold
