"""Simulates the token model of a network of cells (``hw/timing.py``): interval, latency, and how full each FIFO gets.

A transfer between two cells happens in one cycle, the first in which the producer may make the beat and the consumer
may take it. All transfer times are the least solution of a system of inequalities ``t[a] >= t[b] + delay``; each is computed
once, when all that it waits for are known (``kernels/tokens.cpp``). "After a beat was made" is read as "in a later cycle",
because ready passes through a register.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import FoldingError
from xnorflow.kernels import TokenLink, TokenModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xnorflow.hw.timing import Timing
    from xnorflow.hw.types import IntArray

_MAX_FRAMES = 256
_STEADY = 3  # equal intervals in a row, or equal turns of alternating ones, that count as steady
_LONGEST_PERIOD = 4  # frames in a turn
_NEVER = 1 << 62


@dataclass(frozen=True, eq=False)
class Placed:
    """One cell of a network.

    Attributes:
        timings: its token model, between each of its inputs and every output.
        inputs, outputs: numbers of its streams.
    """

    timings: tuple[Timing, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def in_a_row(timings: Sequence[Timing]) -> tuple[Placed, ...]:
    """A chain: each cell reads what the one before it makes; stream i lies in front of cell i."""
    return tuple(Placed((timing,), (i,), (i + 1,)) for i, timing in enumerate(timings))


@dataclass(frozen=True, eq=False)
class Schedule:
    """Transfer times of back-to-back frames.

    Attributes:
        frame_ends: cycle in which each frame's last beat leaves, counted from that in which the first beat is offered;
            int64 ``(frames,)``.
        held: of each FIFO that was asked for, the most beats written and not yet read when one more is written.
        times: where asked for, for each stream, by its number, the cycle of every transfer; int64 ``(frames * beats,)``.
    """

    frame_ends: IntArray
    held: tuple[int, ...] = ()
    times: tuple[IntArray, ...] = ()

    @property
    def frames(self) -> int:
        """How many frames were simulated."""
        return len(self.frame_ends)

    @property
    def latency(self) -> int:
        """Cycles from the first beat offered to the last beat made of the first frame, both included."""
        return int(self.frame_ends[0]) + 1

    @property
    def interval(self) -> int:
        """Cycles between two frames' ends; the most where intervals alternate, or do not settle at all."""
        ends = np.diff(self.frame_ends)
        return int(ends[-(self.period or (len(ends) + 1) // 2) :].max())

    @property
    def in_flight(self) -> int:
        """Frames that are in the network together, at most."""
        return self.latency // max(1, int(self.frame_ends[-1] - self.frame_ends[-2])) + 1

    @property
    def period(self) -> int:
        """Frames after which the last intervals repeat, 1 where they are equal; 0 where it takes more frames to tell."""
        ends = np.diff(self.frame_ends)
        for period in range(1, _LONGEST_PERIOD + 1):
            turns = ends[-_STEADY * period :]
            if len(ends) >= 2 * self.in_flight + _STEADY * period and np.array_equal(turns[period:], turns[:-period]):
                return period
        return 0


def simulate(cells: Sequence[Placed], *, source_interval: int = 0, fifos: Sequence[Placed] = (), keep_times: bool = False) -> Schedule:
    """Run a network of cells until its interval is steady.

    Args:
        cells: in topological order; each stream but the input, 0, is made by one of them, each but the last is read by one,
            and both have as many beats a frame in it.
        source_interval: cycles over which the source spreads the beats of a frame; 0 for a beat whenever it is taken.
        fifos: those of the cells whose filling is wanted.
        keep_times: keep the time of every transfer, 8 bytes each.

    Raises:
        FoldingError: the cells wait for each other for ever.
    """
    watches = [(cell.inputs[0], cell.outputs[0]) for cell in fifos]
    model = TokenModel(_links(cells), _streams(cells), watches=watches, source_interval=source_interval, keep=keep_times)
    horizon = _horizon([timing for cell in cells for timing in cell.timings], source_interval)
    schedule = _until_steady(model, lambda frames: frames * horizon)
    if schedule is None:
        raise FoldingError("the cells of this network wait for each other for ever; their rooms are too small for their needs")
    return schedule


def keeps_pace(cells: Sequence[Placed], *, latency: int, interval: int) -> bool:
    """Whether a network fed without gaps keeps to an interval, and makes no frame later than a latency and that interval allow.

    Args:
        cells: as :func:`simulate` takes them.
        latency: cycles to the end of the first frame, at most.
        interval: cycles between two frames, at most.
    """
    model = TokenModel(_links(cells), _streams(cells))
    schedule = _until_steady(model, lambda frames: latency + (frames - 1) * interval)
    return schedule is not None and schedule.interval <= interval


def waits_for_ever(cells: Sequence[Placed], *, frames: int) -> bool:
    """Whether cells of a network come to wait for each other for ever, whatever the cycles in which the source gives and the sink takes.

    Args:
        cells: as :func:`simulate` takes them.
        frames: that are streamed back to back.
    """
    return not TokenModel(_links(cells), _streams(cells)).run(frames, _NEVER)


def _until_steady(model: TokenModel, limit: Callable[[int], int]) -> Schedule | None:
    """Simulate ever more frames; None where a transfer of so many lies beyond the limit, or never happens."""
    frames = 2 * _STEADY
    while model.run(frames, limit(frames)):
        schedule = Schedule(model.frame_ends, model.held)
        if schedule.period or frames >= _MAX_FRAMES:
            return replace(schedule, times=model.times)
        frames = _more_frames(schedule)
    return None


def _more_frames(schedule: Schedule) -> int:
    enough = 2 * schedule.in_flight + _STEADY + 1
    return min(_MAX_FRAMES, enough if enough > schedule.frames else 2 * schedule.frames)


def _links(cells: Sequence[Placed]) -> list[TokenLink]:
    return [
        TokenLink(timing.need, timing.room, timing.gap, timing.latency, timing.queue, taken, made)
        for cell in cells
        for timing, taken in zip(cell.timings, cell.inputs, strict=True)
        for made in cell.outputs
    ]


def _streams(cells: Sequence[Placed]) -> int:
    """How many streams there are; they are numbered as they are made."""
    made = [0, *(stream for cell in cells for stream in cell.outputs)]
    assert made == list(range(len(made))), "streams are not numbered in the order in which they are made"
    return len(made)


def _horizon(timings: Sequence[Timing], source_interval: int) -> int:
    """Cycles a frame by which everything is over, were the cells to work one beat after the other."""
    return source_interval + sum(int(t.gap.sum()) + (t.latency + 2) * (len(t.need) + len(t.room)) for t in timings)
