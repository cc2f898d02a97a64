"""``xnorflow finn``: a build folder through FINN+'s builder, as far as the tools on PATH allow."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.files import check_place, making_folder
from xnorflow.flows.board.boards import board_named
from xnorflow.flows.finn import shim
from xnorflow.flows.finn.process import StepFigures, run_worker
from xnorflow.flows.finn.settings import BUILD, SAVED, SETTINGS, STITCHED, Settings, saved_steps
from xnorflow.flows.finn.simulate import SimulatedFigures, simulate_stitched
from xnorflow.flows.finn.steps import runnable
from xnorflow.flows.finn.workplace import workplace
from xnorflow.hw.build import MODEL, Build
from xnorflow.hw.compile import compile_model
from xnorflow.hw.folding import FoldingRequest
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

FIFOS = "fifos.json"
CONTINUE = "continue.sh"


@dataclass(frozen=True)
class FinnResult:
    """How far a build came.

    Attributes:
        out: its folder.
        board: FINN's name of it.
        clock_ns: period of the clock.
        steps: those that ran now.
        done: names of all that have run, now or before.
        missing: the tools that the others need.
        performance: FINN's estimate_network_performance.json.
        resources: the total of FINN's estimate_layer_resources.json.
        simulated: the RTL in Verilator, where it was asked for.
    """

    out: Path
    board: str
    clock_ns: float
    steps: tuple[StepFigures, ...]
    done: tuple[str, ...]
    missing: tuple[str, ...]
    performance: dict[str, Any]
    resources: dict[str, Any]
    simulated: SimulatedFigures | None

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        return {**asdict(self), "out": str(self.out)}


def finn(
    build: Path,
    out: Path,
    *,
    board: str = "Pynq-Z1",
    fps: float | None = None,
    folding: Path | None = None,
    fifos: Path | None = None,
    clock_ns: float | None = None,
    probes: int = 4,
    simulate: int | None = None,
    resume: bool = False,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> FinnResult:
    """Take a build folder through FINN+'s builder; its graph is executed after every step and compared with the interpreter.

    Args:
        build: folder that ``compile`` wrote.
        out: folder of the FINN build.
        board: one of :data:`xnorflow.flows.board.boards.BOARDS`, by its name.
        fps: frames a second to fold for, anew; None, with no ``folding``, for the build's own folding.
        folding: PE and SIMD by layer, in FINN's format.
        fifos: depths of FIFOs, in FINN's format; None for our solver's.
        clock_ns: period of the clock; None for the build's.
        probes: images that are compared after every step, at least 2.
        simulate: stream so many random images through the RTL that the builder generated, at least 2; None for none.
        resume: go on with ``out`` where it stopped; every option but ``simulate`` is then taken from it.
        force: replace ``out``.
        progress: called with a line of text.

    Raises:
        BadInputError: the build, the folder or an option cannot be used.
        MissingToolError: FINN+ is not installed.
        CheckFailedError: a step changed the network, or failed; the message names it.
    """
    shim.require_finn()
    out = Path.cwd() / out
    _check_options(out, board, probes, simulate)
    steps, missing = runnable()
    place = workplace(out)
    if resume:
        settings = _settings_to_resume(out, place)
    else:
        settings = Settings(str(place), board, _period(build, clock_ns), None if fifos is None else FIFOS, probes, steps)
        _prepare(Build.open(build), out, _request(fps, folding, settings.clock_ns), fifos, force=force, progress=progress)
    left = steps[len(saved_steps(out)) :]
    replace(settings, folder=str(place), steps=steps, start=left[0] if left and len(left) < len(steps) else None).write(out)
    _write_continue(out)
    ran = run_worker(place, progress) if left else ()
    simulated = None if simulate is None else simulate_stitched(Build.open(out / BUILD), out / STITCHED, simulate, progress=progress)
    return FinnResult(out, settings.board, settings.clock_ns, ran, saved_steps(out), missing, *_reports(out), simulated)


def _check_options(out: Path, board: str, probes: int, simulate: int | None) -> None:
    board_named(board)
    for name, count in (("probes", probes), ("images to simulate", simulate)):
        if count is not None and count < 2:
            raise BadInputError(f"{count} {name} are too few; at least 2 are accepted")


def _period(build: Path, clock_ns: float | None) -> float:
    period = 1000 / Build.open(build).estimate.clock_mhz if clock_ns is None else clock_ns
    if not 1 <= period <= 1000:
        raise BadInputError(f"clock period of {period:g} ns is outside the accepted 1 to 1000 ns")
    return float(period)


def _request(fps: float | None, folding: Path | None, clock_ns: float) -> FoldingRequest | None:
    """The folding that is asked for; None for the build's own."""
    if fps is not None and folding is not None:
        raise BadInputError("folding is given by --fps and by --folding; one of them is accepted")
    if folding is not None:
        return FoldingRequest.from_file(folding, 1000 / clock_ns)
    return None if fps is None else FoldingRequest(fps=fps, clock_mhz=1000 / clock_ns)


def _prepare(
    build: Build, out: Path, request: FoldingRequest | None, fifos: Path | None, *, force: bool, progress: Callable[[str], None] | None
) -> None:
    """Make the folder with the network in it, folded as asked; nothing is left of it where that fails."""
    check_place(out, SETTINGS, "folder of a FINN build", force=force)
    if build.folder.resolve().is_relative_to(out.resolve()):
        raise BadInputError(f"build folder {build.folder} lies in {out}, which would be replaced")
    depths = None if fifos is None else _fifo_record(fifos)
    with making_folder(out, "FINN build") as new:
        if request is None:
            shutil.copytree(build.folder, new / BUILD, ignore=shutil.ignore_patterns("sim"))
        else:
            _fold_anew(build, new / BUILD, request, progress)
        if depths is not None:
            (new / FIFOS).write_text(depths, encoding="utf-8")


def _fold_anew(build: Build, target: Path, request: FoldingRequest, progress: Callable[[str], None] | None) -> None:
    model = build.folder / MODEL
    if not model.is_file():
        raise BadInputError(f"build folder {build.folder} holds no {MODEL}, which another folding is made from")
    compile_model(model, target, pixel_norm=build.pixel_norm, head=build.manifest["head"], folding=request, progress=progress)


def _fifo_record(path: Path) -> str:
    """FINN's record of FIFO depths, as text."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"FIFO file {path} cannot be read: {error}") from error
    record = parse_json(text, f"FIFO file {path}")
    keys = ("fifo_depths", "impl_style", "ram_style")
    if not isinstance(record, dict) or not all(isinstance(record.get(key), dict) for key in keys):
        raise BadInputError(f"FIFO file {path} is no record of FINN's, such as report/fifo_sizing.json: it has no {', '.join(keys)}")
    return text


def _settings_to_resume(out: Path, place: Path) -> Settings:
    """The settings of a build that goes on; from its first step if the folder was moved, for FINN's models hold absolute paths."""
    settings = Settings.read(out)
    if settings.folder != str(place):
        (out / SAVED).unlink(missing_ok=True)
    return settings


def _write_continue(out: Path) -> None:
    """The script that goes on where the tools are."""
    line = f'cd "$(dirname "$0")" && exec xnorflow finn {BUILD} --out "$PWD" --resume'
    (out / CONTINUE).write_text(f"#!/bin/sh\n# Goes on with this FINN build as far as what is on PATH of vivado and vitis_hls allows.\n{line}\n")
    (out / CONTINUE).chmod(0o755)


def _reports(out: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """FINN's figures of the whole network."""
    report = out / "report"
    performance = parse_json((report / "estimate_network_performance.json").read_text(), "FINN's performance estimate")
    return performance, parse_json((report / "estimate_layer_resources.json").read_text(), "FINN's resource estimate")["total"]
