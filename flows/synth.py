"""Synthesise a build with Yosys and compare with its estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.flows.results import keep
from xnorflow.hw.build import Build
from xnorflow.hw.synth import Synthesis, synthesise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def synth(build: Path, *, timeout: float | None = None, progress: Callable[[str], None] | None = None) -> Synthesis:
    """Synthesise a build for xc7.

    Args:
        build: folder that ``compile`` wrote.
        timeout: seconds after which to give up; None for never.
        progress: called with a line of text.

    Raises:
        BadInputError: the build cannot be used.
        MissingToolError: Yosys is not installed.
        CheckFailedError: Yosys does not accept the build, or the time is over.
    """
    opened = Build.open(build)
    if progress is not None:
        progress("Yosys synthesises for xc7; large networks take minutes")
    result = synthesise(opened, timeout=timeout)
    keep(opened, "synth", result.to_json())
    return result
