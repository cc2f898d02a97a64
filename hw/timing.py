"""When a cell takes and makes beats: a token model that the FIFO sizing and the latency estimate simulate.

For one frame of ``len(room)`` input beats and ``len(need)`` output beats, with counts running on over frames:

* output beat k can be made only after ``need[k]`` input beats of its frame (and all of earlier frames) were taken;
* input beat j can be taken only after ``room[j]`` output beats of its frame were made; negative numbers count back
  into earlier frames (``-n`` means: all but n of the output beats of the frames before);
* output beat k comes at least ``gap[k]`` cycles after the one before; an input port takes at most one beat a cycle;
* ``latency`` cycles pass between the input beat that completes ``need[k]`` and the output beat.

In cycle numbers, with ``taken[j]`` and ``made[k]`` the cycles in which beats are transferred and counts running on:
``taken[j] >= max(taken[j-1] + 1, made[room[j]-1] + 1)`` and
``made[k] >= max(made[k-1] + gap[k], taken[need[k]-1] + latency)``; a cell with free neighbours meets both with equality.
A cell with a ``queue`` of results at its output goes on while that output is stalled: ``gap`` then lies between results
that are ready, ``ready[k] >= max(ready[k-1] + gap[k], taken[need[k]-1] + latency, made[k-queue] + 4)`` (a place in the queue
is claimed 3 cycles before, and can be one cycle after it was left), and ``made[k] >= max(made[k-1] + 1, ready[k])``.

A cell of several inputs has such a model for each of them, and an output beat is made when all of them allow it. Where a
pipeline follows (``HardwareNode.pipeline``), the model is in two steps: what has been read goes into the pipeline as soon as that has
a place, and frees its own place at the input then, not only when it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.types import IntArray


@dataclass(frozen=True, eq=False)
class Timing:
    """The token model of one input of a cell for one frame (see the module's text); all arrays are int64."""

    need: IntArray
    room: IntArray
    gap: IntArray
    latency: int = 1
    queue: int = 0

    @property
    def interval(self) -> int:
        """The initiation interval: cycles a frame when neither side stalls and frames follow back to back."""
        return max(len(self.room), int(self.gap.sum()))

    @classmethod
    def holding(cls, beats: int, places: int, latency: int = 1) -> Timing:
        """One beat out for one beat in; so many beats fit inside."""
        index = np.arange(beats, dtype=np.int64)
        return cls(need=index + 1, room=index - places + 1, gap=np.ones(beats, dtype=np.int64), latency=latency)

    @classmethod
    def elementwise(cls, beats: int, latency: int = 1) -> Timing:
        """One beat out for one beat in; ``latency + 1`` beats fit inside, the least that keeps one beat a cycle going."""
        return cls.holding(beats, latency + 1, latency)


@dataclass(frozen=True)
class Pipeline:
    """The end of a cell that a stalled output does not stop at once.

    Attributes:
        cycles: from its beginning to the output.
        places: beats that it holds, those at the output included.
    """

    cycles: int
    places: int

    def timing(self, beats: int) -> Timing:
        """As a cell of its own."""
        return Timing.holding(beats, self.places, self.cycles)


def unstalled(timings: Sequence[Timing], frames: int) -> tuple[list[IntArray], IntArray]:
    """Cycles of the transfers of a cell alone, offered input from cycle 0 and never stalled at its output.

    Args:
        timings: the token models of its inputs.
        frames: frames that follow each other back to back.

    Returns:
        ``taken`` of each input (frames * its beats), and ``made`` (frames * output beats), int64.
    """
    outs = len(timings[0].need)
    needs = [_counts(t.need, frames, len(t.room)) for t in timings]
    rooms = [_counts(t.room, frames, outs) for t in timings]
    gap = np.tile(timings[0].gap, frames).tolist()
    taken: list[list[int]] = [[] for _ in timings]
    made: list[int] = []
    while len(made) < len(gap):
        before = len(made), [len(times) for times in taken]
        for times, room in zip(taken, rooms, strict=True):
            while len(times) < len(room) and room[len(times)] <= len(made):
                after = room[len(times)]
                times.append(max(times[-1] + 1 if times else 0, made[after - 1] + 1 if after > 0 else 0))
        while len(made) < len(gap) and all(need[len(made)] <= len(times) for need, times in zip(needs, taken, strict=True)):
            k = len(made)
            fed = [(times[need[k] - 1] if need[k] > 0 else 0) + t.latency for t, need, times in zip(timings, needs, taken, strict=True)]
            made.append(max(*fed, made[-1] + gap[k] if made else 0))
        assert before != (len(made), [len(times) for times in taken]), "the token model deadlocks"
    return [np.array(times, dtype=np.int64) for times in taken], np.array(made, dtype=np.int64)


def _counts(of_a_frame: IntArray, frames: int, step: int) -> list[int]:
    """Counts that run on over frames."""
    counts: list[int] = (of_a_frame + np.arange(frames)[:, None] * step).ravel().tolist()
    return counts
