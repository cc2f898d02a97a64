"""When a cell takes and makes beats: a token model that the FIFO sizing and the latency estimate simulate.

For one frame of ``len(room)`` input beats and ``len(need)`` output beats, with counts running on over frames:

* output beat k can be made only after ``need[k]`` input beats of its frame (and all of earlier frames) were taken;
* input beat j can be taken only after ``room[j]`` output beats of its frame were made; negative numbers count back
  into earlier frames (``-n`` means: all but n of the output beats of the frames before);
* output beat k comes at least ``gap[k]`` cycles after the one before; an input port takes at most one beat a cycle;
* ``latency`` cycles pass between the input beat that completes ``need[k]`` and the output beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False)
class Timing:
    """The token model of one cell for one frame (see the module's text); all arrays are int64."""

    need: IntArray
    room: IntArray
    gap: IntArray
    latency: int = 1

    @property
    def interval(self) -> int:
        """The initiation interval: cycles a frame when neither side stalls and frames follow back to back."""
        return max(len(self.room), int(self.gap.sum()))

    @classmethod
    def elementwise(cls, beats: int, latency: int = 1) -> Timing:
        """One beat out for one beat in, as in a register stage."""
        index = np.arange(beats, dtype=np.int64)
        return cls(need=index + 1, room=index - latency - 1, gap=np.ones(beats, dtype=np.int64), latency=latency)
