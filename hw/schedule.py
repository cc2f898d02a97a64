"""Simulates the token model of a network of cells (``hw/timing.py``): interval, latency, and how full each FIFO gets.

A transfer between two cells happens in one cycle, the first in which the producer may make the beat and the consumer
may take it. All transfer times are the least solution of a system of inequalities ``t[a] >= t[b] + delay``; it is
found by sweeping over the streams, forth for data and back for ready, with whole arrays at a time, until nothing
moves. "After a beat was made" is read as "in a later cycle", because ready passes through a register.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.errors import FoldingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.hw.timing import Timing
    from xnorflow.hw.types import IntArray

_MAX_FRAMES = 256
_CREDIT = 4  # cycles from a result's leaving its queue to the next one in that place
_STEADY = 3  # equal intervals in a row, or equal turns of alternating ones, that count as steady
_PATIENCE = 200  # sweeps without an end after which it is asked whether there is one; usual are 3 to 10
_LONGEST_PERIOD = 4  # frames in a turn


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


@dataclass(frozen=True)
class Schedule:
    """Transfer times of back-to-back frames.

    Attributes:
        times: for each stream, by its number, the cycle of every transfer; int64 ``(frames * beats,)``. Stream 0 is the
            network's input, whose first beat is offered in cycle 0, and the last one its output.
        frames: how many frames were simulated.
    """

    times: tuple[IntArray, ...]
    frames: int

    @property
    def frame_ends(self) -> IntArray:
        """Cycle in which each frame's last beat leaves; int64 ``(frames,)``."""
        return self.times[-1].reshape(self.frames, -1)[:, -1]

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


class _Link:
    """The constraints between an input and an output of a cell, unrolled over frames, as index arrays."""

    def __init__(self, timing: Timing, frames: int) -> None:
        takes, makes = len(timing.room), len(timing.need)
        frame = np.arange(frames, dtype=np.int64)[:, None]
        need = (timing.need + frame * takes).reshape(-1)
        room = (timing.room + frame * makes).reshape(-1)
        self.need, self.room, self.latency = np.maximum.accumulate(need), np.maximum.accumulate(room), timing.latency
        self.fed = np.flatnonzero(need > 0)
        self.from_input = need[self.fed] - 1
        self.gap = np.cumsum(np.tile(timing.gap, frames))
        self.queue = timing.queue
        self.limited = np.flatnonzero(room > 0)
        self.from_output = room[self.limited] - 1
        assert np.all(need <= frames * takes), "an output beat needs input of a later frame"
        assert np.all(self.from_output < frames * makes), "an input beat waits for an output beat of a later frame"

    def push(self, taken: IntArray, made: IntArray) -> None:
        """Delay the output beats to what input and gaps allow."""
        ready = np.zeros_like(made) if self.queue else made
        ready[self.fed] = np.maximum(ready[self.fed], taken[self.from_input] + self.latency)
        if self.queue:
            ready[self.queue :] = np.maximum(ready[self.queue :], made[: -self.queue] + _CREDIT)
        ready -= self.gap
        np.maximum.accumulate(ready, out=ready)
        ready += self.gap
        if self.queue:
            np.maximum(made, ready, out=made)
            _one_a_cycle(made)

    def pull(self, taken: IntArray, made: IntArray) -> None:
        """Delay the input beats to what room and one beat a cycle allow."""
        taken[self.limited] = np.maximum(taken[self.limited], made[self.from_output] + 1)
        _one_a_cycle(taken)


def _one_a_cycle(times: IntArray) -> None:
    index = np.arange(len(times), dtype=np.int64)
    times -= index
    np.maximum.accumulate(times, out=times)
    times += index


def simulate(cells: Sequence[Placed], *, source_interval: int = 0) -> Schedule:
    """Run a network of cells until its interval is steady.

    Args:
        cells: in topological order; each stream but the input, 0, is made by one of them, each but the last is read by one,
            and both have as many beats a frame in it.
        source_interval: cycles over which the source spreads the beats of a frame; 0 for a beat whenever it is taken.

    Raises:
        FoldingError: the cells wait for each other for ever.
    """
    frames = 2 * _STEADY
    while True:
        schedule = _simulate(cells, frames, source_interval, _horizon([t for c in cells for t in c.timings], frames, source_interval))
        if schedule is None:
            raise FoldingError("the cells of this network wait for each other for ever; their rooms are too small for their needs")
        if schedule.period or frames >= _MAX_FRAMES:
            return schedule
        frames = _more_frames(schedule)


def keeps_pace(cells: Sequence[Placed], *, latency: int, interval: int) -> bool:
    """Whether a network fed without gaps keeps to an interval, and makes no frame later than a latency and that interval allow.

    Args:
        cells: as :func:`simulate` takes them.
        latency: cycles to the end of the first frame, at most.
        interval: cycles between two frames, at most.
    """
    frames = 2 * _STEADY
    while True:
        schedule = _simulate(cells, frames, 0, latency + (frames - 1) * interval)
        if schedule is None:
            return False
        if schedule.period or frames >= _MAX_FRAMES:
            return schedule.interval <= interval
        frames = _more_frames(schedule)


def waits_for_ever(cells: Sequence[Placed], *, frames: int) -> bool:
    """Whether cells of a network come to wait for each other for ever, whatever the cycles in which the source gives and the sink takes.

    Args:
        cells: as :func:`simulate` takes them.
        frames: that are streamed back to back.
    """
    _check_beats(cells)
    beats = [len(cells[0].timings[0].room), *(len(cell.timings[0].need) for cell in cells for _ in cell.outputs)]
    return _stuck(_links(cells, frames), [frames * count for count in beats])


def _more_frames(schedule: Schedule) -> int:
    enough = 2 * schedule.in_flight + _STEADY + 1
    return min(_MAX_FRAMES, enough if enough > schedule.frames else 2 * schedule.frames)


def _simulate(placed: Sequence[Placed], frames: int, source_interval: int, limit: int) -> Schedule | None:
    """The least solution; None where it lies beyond a limit."""
    _check_beats(placed)
    links = _links(placed, frames)
    beats = len(placed[0].timings[0].room)
    index = np.arange(frames * beats, dtype=np.int64)
    times = [index * source_interval // beats if source_interval else index]
    times += [np.full(frames * len(p.timings[0].need), p.timings[0].latency, dtype=np.int64) for p in placed for _ in p.outputs]
    before, sweeps = -1, 0
    while True:
        sweeps += 1
        for link, taken, made in links:
            link.push(times[taken], times[made])
        for link, taken, made in reversed(links):
            link.pull(times[taken], times[made])
        total = sum(int(t.sum()) for t in times)
        if total == before:
            return Schedule(tuple(times), frames)
        if any(int(t[-1]) > limit for t in times) or (sweeps == _PATIENCE and _stuck(links, [len(t) for t in times])):
            return None
        before = total


def _links(placed: Sequence[Placed], frames: int) -> list[tuple[_Link, int, int]]:
    """Every pair of an input and an output of a cell, with the numbers of both streams."""
    return [(_Link(t, frames), a, b) for p in placed for t, a in zip(p.timings, p.inputs, strict=True) for b in p.outputs]


def _stuck(links: Sequence[tuple[_Link, int, int]], totals: Sequence[int]) -> bool:
    """Whether some beat can never move, however long all wait: every transfer that is allowed is made until none is."""
    limits: list[list[tuple[IntArray, int]]] = [[] for _ in totals]
    for link, taken, made in links:
        limits[made].append((link.need, taken))
        limits[taken].append((link.room, made))
    counts = [0] * len(totals)
    before = -1
    while sum(counts) != before:
        before = sum(counts)
        for stream in (*range(len(totals)), *reversed(range(len(totals)))):
            allowed = (int(np.searchsorted(limit, counts[other], side="right")) for limit, other in limits[stream])
            counts[stream] = min(totals[stream], *allowed)
    return counts != list(totals)


def _check_beats(placed: Sequence[Placed]) -> None:
    """Streams are numbered as they are made, and both ends count the same beats."""
    made = {0: len(placed[0].timings[0].room)}
    for cell in placed:
        beats = [len(timing.room) for timing in cell.timings]
        assert [made[stream] for stream in cell.inputs] == beats, "beats of a stream differ between its two ends"
        for stream in cell.outputs:
            assert stream == len(made), "streams are not numbered in the order in which they are made"
            made[stream] = len(cell.timings[0].need)


def _horizon(timings: Sequence[Timing], frames: int, source_interval: int) -> int:
    """A cycle by which everything is over, were the cells to work one beat after the other."""
    work = sum(int(t.gap.sum()) + (t.latency + 2) * (len(t.need) + len(t.room)) for t in timings)
    return frames * (work + source_interval)
