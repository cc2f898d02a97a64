"""What the bench is to do, as one file: the packed frames, what the interpreter makes of them, stalls and patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from xnorflow.sim.packing import ByteArray


@dataclass(frozen=True, eq=False)
class NetPlan:
    """Stimulus and expectation.

    Attributes:
        frames_in: uint8 ``(N, beats, bytes)``.
        frames_out: uint8 ``(N, beats, bytes)``.
        stalls: whether both sides pause at random.
        patience: cycles without a beat after which the top counts as stuck.
    """

    frames_in: ByteArray
    frames_out: ByteArray
    stalls: bool
    patience: int

    def save(self, path: Path) -> None:
        """Write for the simulator's process."""
        np.savez(path, frames_in=self.frames_in, frames_out=self.frames_out, stalls=self.stalls, patience=self.patience)

    @classmethod
    def load(cls, path: Path) -> NetPlan:
        """Read what :meth:`save` wrote."""
        with np.load(path) as data:
            return cls(data["frames_in"], data["frames_out"], bool(data["stalls"]), int(data["patience"]))
