"""Synthesise a build with Yosys and compare with its estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.flows.results import keep
from xnorflow.hw.build import Build
from xnorflow.hw.synth import DEVICES, AsicSynthesis, LatticeSynthesis, Synthesis, synthesise, synthesise_asic, synthesise_lattice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TARGETS = ("xc7", "asic", *DEVICES)


def check_target(target: str, liberty: Path | None, *, pnr: bool) -> None:
    """Refuse what no synthesis is for.

    Raises:
        BadInputError: the target is unknown, has no library, or is not placed here.
    """
    if target not in TARGETS:
        raise BadInputError(f"target {target!r} is unknown; accepted are {', '.join(TARGETS)}")
    if liberty is not None and target != "asic":
        raise BadInputError(f"--liberty {liberty} is for --target asic, not for {target}")
    if pnr and target not in DEVICES:
        raise BadInputError(f"--pnr is for --target {' and '.join(DEVICES)}; nothing here places for {target}")


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


def synth_asic(
    build: Path, liberty: Path | None = None, *, timeout: float | None = None, progress: Callable[[str], None] | None = None
) -> AsicSynthesis:
    """Synthesise a build to standard cells.

    Args:
        build: folder that ``compile`` wrote.
        liberty: the library's Liberty file; None for gate equivalents.
        timeout: seconds after which to give up; None for never.
        progress: called with a line of text.

    Raises:
        BadInputError: the build or the library cannot be used.
        MissingToolError: Yosys is not installed.
        CheckFailedError: Yosys does not accept the build, or the time is over.
    """
    opened = Build.open(build)
    if progress is not None:
        progress("Yosys synthesises to standard cells; large networks take minutes")
    result = synthesise_asic(opened, liberty, timeout=timeout)
    keep(opened, "synth-asic", result.to_json())
    return result


def synth_lattice(
    build: Path, target: str, *, pnr: bool, seed: int = 1, timeout: float | None = None, progress: Callable[[str], None] | None = None
) -> LatticeSynthesis:
    """Synthesise a build for ECP5 or iCE40, and with ``pnr`` place and route it.

    Args:
        build: folder that ``compile`` wrote.
        target: ``ecp5`` or ``ice40``.
        pnr: run nextpnr.
        seed: of its placer.
        timeout: seconds for each program; None for never.
        progress: called with a line of text.

    Raises:
        BadInputError: the build cannot be used.
        MissingToolError: Yosys or nextpnr is not installed.
        CheckFailedError: a program does not accept the build, or the time is over.
    """
    opened = Build.open(build)
    if progress is not None:
        progress(f"Yosys{' and nextpnr work' if pnr else ' works'} for {DEVICES[target].words}; large networks take minutes")
    result = synthesise_lattice(opened, target, place=pnr, seed=seed, timeout=timeout)
    keep(opened, f"synth-{target}", result.to_json())
    return result
