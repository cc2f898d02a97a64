"""The worker process, watched: its steps as they end, its errors as ours."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow import errors
from xnorflow.errors import CheckFailedError, XnorflowError
from xnorflow.flows.finn.settings import LOG

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_WORKER = "xnorflow.flows.finn.worker"
_TAIL = 3


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
    current, problem = "conversion", None
    with subprocess.Popen([sys.executable, "-m", _WORKER, str(out)], stdout=subprocess.PIPE, text=True) as process:
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
        raise _error(problem, current, out)
    if process.returncode != 0:
        raise CheckFailedError(f"FINN's process ended with {process.returncode} in {current}; {out / LOG} ends: {_tail(out)}")
    return tuple(steps)


def _line(figures: StepFigures) -> str:
    equal = f", equal on {figures.images} images" if figures.images else ", not executable any more"
    return f"{figures.step}: {figures.seconds:.2f} s{equal}"


def _error(event: dict[str, Any], step: str, out: Path) -> XnorflowError:
    kind = getattr(errors, event["error"], None)
    if isinstance(kind, type) and issubclass(kind, XnorflowError):
        return kind(event["message"])
    return CheckFailedError(f"FINN failed in {step}: {event['message']}; {out / LOG} has the rest")


def _tail(out: Path) -> str:
    lines = (out / LOG).read_text(encoding="utf-8", errors="replace").split("\n") if (out / LOG).is_file() else []
    return " | ".join([line.strip() for line in lines if line.strip()][-_TAIL:])
