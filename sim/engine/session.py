"""Runs frames through one top of a compiled model: a list of steps, played by the harness in its own process."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import CheckFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.types import IntArray
    from xnorflow.sim.engine.model import CompiledModel
    from xnorflow.sim.packing import BeatFormat, ByteArray


@dataclass(frozen=True)
class Step:
    """One step of a session: ``reset``, ``stream`` (frames first..first+count-1) or ``interrupt`` (count beats from frame first)."""

    what: str
    first: int = 0
    count: int = 0


def proof_steps(frames: int, in_beats: int) -> tuple[Step, ...]:
    """The steps of a verification: half of the frames back to back, a reset in mid-frame, then all frames back to back."""
    half = (frames + 1) // 2
    first = min(half, frames - 1)
    whole = min(3, frames - first - 1)
    beats = whole * in_beats + (in_beats + 1) // 2
    return (Step("reset"), Step("stream", 0, half), Step("interrupt", first, beats), Step("reset"), Step("stream", 0, frames))


@dataclass(frozen=True)
class SessionRequest:
    """What to run.

    Attributes:
        model, top: the executable and the module name in it.
        folder: working directory, where ``mem/`` lies.
        source, sink: formats of the input and output frames.
        steps: what to play.
        stalls: random gaps and stalls on both sides, drawn from ``seed``.
        seed: also draws the state of registers and memories that no reset touches.
        patience: cycles without a beat after which the top counts as stuck.
        probes: folder for the beats of the probed streams, or None.
    """

    model: CompiledModel
    top: str
    folder: Path
    source: BeatFormat
    sink: BeatFormat
    steps: tuple[Step, ...]
    stalls: bool = False
    seed: int = 0
    patience: int = 1_000_000
    probes: Path | None = None


@dataclass(frozen=True, eq=False)
class SessionResult:
    """What came out.

    Attributes:
        outputs: for each stream step, uint8 ``(frames, beats, bytes)``; the last may be shorter when there is a fault.
        done: for each stream step, int64 cycle of each frame's last beat, counted from the first cycle of the step.
        cycles: simulated in all.
        fault: a broken handshake rule or a deadlock, or None.
    """

    outputs: tuple[ByteArray, ...]
    done: tuple[IntArray, ...]
    cycles: int
    fault: str | None


def run_session(request: SessionRequest, images: ByteArray, *, progress: Callable[[int], None] | None = None) -> SessionResult:
    """Play a session.

    Args:
        request: what to run.
        images: packed input frames, uint8 ``(N, beats, bytes)``.
        progress: called with the number of frames that came out so far, over all steps.

    Raises:
        CheckFailedError: the harness could not run.
    """
    with tempfile.TemporaryDirectory(prefix="xnorflow-") as name:
        work = Path(name)
        (work / "in.bin").write_bytes(images.tobytes())
        (work / "script").write_text(_script(request, work), encoding="utf-8")
        cycles, fault = _play([str(request.model.executable.resolve()), str(work / "script")], request.folder, progress)
        beats = np.fromfile(work / "out.bin", dtype=np.uint8)
        done = np.fromfile(work / "done.bin", dtype=np.uint64).astype(np.int64)
    return _split(request, beats, done, cycles, fault)


def _script(request: SessionRequest, work: Path) -> str:
    lines = [
        f"top {request.top}",
        f"in {work / 'in.bin'}",
        f"out {work / 'out.bin'}",
        f"done {work / 'done.bin'}",
        f"in_beats {request.source.beats}",
        f"out_beats {request.sink.beats}",
        f"patience {request.patience}",
        f"seed {request.seed}",
        f"stalls {int(request.stalls)}",
        *([f"probes {request.probes}"] if request.probes else []),
        *(f"{step.what} {step.first} {step.count}" for step in request.steps),
    ]
    return "\n".join(lines) + "\n"


def _play(command: list[str], folder: Path, progress: Callable[[int], None] | None) -> tuple[int, str | None]:
    cycles, fault = 0, None
    complaints: list[str] = []  # of Verilator's runtime and of assertions in the cells
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "progress" and progress is not None:
                progress(int(rest.split()[0]))
            elif word == "cycles":
                cycles = int(rest)
            elif word == "fault":
                fault = rest.partition(" ")[2]
            elif "%Warning" in line or "%Error" in line:
                complaints.append(line.strip())
        problem = process.stderr.read().strip().splitlines()
    complaints += [line for line in problem if "%Warning" in line or "%Error" in line]
    if complaints:
        raise CheckFailedError(f"the simulation complains: {complaints[0]}")
    if process.returncode not in (0, 3):
        raise CheckFailedError(f"the simulation ended with code {process.returncode}: {problem[-1] if problem else 'no message'}")
    return cycles, fault


def _split(request: SessionRequest, beats: ByteArray, done: IntArray, cycles: int, fault: str | None) -> SessionResult:
    sink = request.sink
    whole = len(beats) // (sink.beats * sink.bytes)
    frames = beats[: whole * sink.beats * sink.bytes].reshape(whole, sink.beats, sink.bytes)
    outputs: list[ByteArray] = []
    times: list[IntArray] = []
    start = 0
    for step in request.steps:
        if step.what == "stream":
            outputs.append(frames[start : start + step.count])
            times.append(done[start : start + step.count])
            start += step.count
    return SessionResult(tuple(outputs), tuple(times), cycles, fault)
