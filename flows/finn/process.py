"""The worker process, watched: its steps as they end, its errors as ours."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow import errors
from xnorflow.errors import CheckFailedError, XnorflowError
from xnorflow.flows.finn.settings import LOG, SCRATCH
from xnorflow.flows.stages import ending

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_WORKER = "xnorflow.flows.finn.worker"


@dataclass(frozen=True)
class StepFigures:
    """One step of FINN's builder.

    Attributes:
        step: its name.
        seconds: wall time, without the check.
        images: that were equal afterwards.
    """

    step: str
    seconds: float
    images: int


def run_worker(out: Path, progress: Callable[[str], None] | None) -> tuple[StepFigures, ...]:
    """Run the builder on a folder.

    Raises:
        XnorflowError: what the worker told, of the kind it told.
        CheckFailedError: FINN failed, or its process died; names the step, and the last lines of the log.
    """
    steps: list[StepFigures] = []
    current, problem, since = "conversion", None, time.time()
    # FINN writes the folder it was started in into its scripts, unquoted.
    with subprocess.Popen([sys.executable, "-m", _WORKER, str(out)], cwd=out.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event: dict[str, Any] = json.loads(line)
            if "started" in event:
                current = event["started"]
            elif "step" in event:
                steps.append(StepFigures(**event))
                if progress is not None:
                    progress(_line(steps[-1]))
            else:
                problem = event
    if problem is not None:
        raise _error(problem, current, out, since)
    if process.returncode != 0:
        raise CheckFailedError(f"FINN's process ended with {process.returncode} in {current}; {ending(out / LOG)}")
    return tuple(steps)


def _line(figures: StepFigures) -> str:
    equal = f", equal on {figures.images} images" if figures.images else ", not executable any more"
    return f"{figures.step}: {figures.seconds:.2f} s{equal}"


def _error(event: dict[str, Any], step: str, out: Path, since: float) -> XnorflowError:
    kind = getattr(errors, event["error"], None)
    if isinstance(kind, type) and issubclass(kind, XnorflowError):
        return kind(event["message"])
    log = vendor_log(out / SCRATCH, since)
    where = f"{out / LOG} has the rest" if log is None else ending(log)
    return CheckFailedError(f"FINN failed in {step}: {' '.join(event['message'].split())}; {where}")


def vendor_log(scratch: Path, since: float) -> Path | None:
    """The newest log of Vivado or Vitis HLS that was written since then; FINN's own message does not say what is in it."""
    logs = [path for name in ("vivado.log", "vitis_hls.log") for path in scratch.rglob(name) if path.stat().st_mtime >= since]
    return max(logs, key=lambda path: path.stat().st_mtime, default=None)
