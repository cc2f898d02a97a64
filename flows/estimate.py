"""What a build costs, as estimated when it was compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.hw.build import Build

if TYPE_CHECKING:
    from pathlib import Path

    from xnorflow.hw.estimate.report import Estimate


def estimate(build: Path) -> Estimate:
    """Cycles, latency and xc7 resources of a build, by node and in total.

    Raises:
        BadInputError: no build folder, damaged, or made by another version.
    """
    return Build.open(build).estimate
