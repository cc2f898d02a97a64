"""The FIFOs of a build and the smallest depths that are safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.hw.build import Build
from xnorflow.hw.deadlock import fifo_depths

if TYPE_CHECKING:
    from pathlib import Path

    from xnorflow.hw.deadlock import FifoDepths


def fifos(build: Path) -> FifoDepths:
    """Search for the smallest depths of all FIFOs together with which the network does not stop.

    Raises:
        BadInputError: no build folder, damaged, or made by another version.
    """
    return fifo_depths(Build.open(build).graph)
