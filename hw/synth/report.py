"""Estimated and synthesised resources of a build, side by side."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow.hw.build import TOP
from xnorflow.hw.synth.yosys import CellCounts, run_yosys

if TYPE_CHECKING:
    from xnorflow.hw.build import Build
    from xnorflow.hw.cell import Resources


@dataclass(frozen=True)
class Synthesis:
    """What Yosys made of a build.

    Attributes:
        estimated: what ``estimate.json`` says of the network.
        synthesised: what Yosys counted.
        counts: the cells, by type.
    """

    estimated: Resources
    synthesised: Resources
    counts: CellCounts

    def to_json(self) -> dict[str, Any]:
        """Both columns and the raw cell counts."""
        return {
            "estimated": dataclasses.asdict(self.estimated),
            "synthesised": dataclasses.asdict(self.synthesised),
            "cells": dict(self.counts.cells),
        }


def synthesise(build: Build, *, timeout: float | None = None) -> Synthesis:
    """Synthesise a build for xc7.

    Args:
        build: an opened build folder.
        timeout: seconds after which to give up; None for never.

    Raises:
        MissingToolError: Yosys is not installed.
        BadInputError: the build folder cannot be written (Yosys needs a scratch folder in it).
        CheckFailedError: Yosys does not accept the build, or the time is over.
    """
    counts = run_yosys(build.folder, TOP, timeout=timeout)
    return Synthesis(build.estimate.total, counts.resources, counts)
