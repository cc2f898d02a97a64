from __future__ import annotations

import numpy as np
import pytest

from xnorflow.errors import FoldingError
from xnorflow.hw.schedule import simulate
from xnorflow.hw.timing import Timing


def fifo(beats: int, depth: int) -> Timing:
    index = np.arange(beats)
    return Timing(need=index + 1, room=index - depth + 1, gap=np.ones(beats, dtype=np.int64), latency=1)


def folded(vectors: int, reads: int, writes: int, buffers: int = 2, queue: int = 0) -> Timing:
    """Takes vectors of ``reads`` beats into ``buffers`` places, makes ``writes`` beats of each, ``reads`` cycles apart."""
    out, taken = np.arange(vectors * writes), np.arange(vectors * reads)
    gap = np.full(vectors * writes, reads)
    return Timing(need=(out // writes + 1) * reads, room=(taken // reads - buffers + 1) * writes, gap=gap, latency=3, queue=queue)


def slow_simulation(timings: list[Timing], frames: int) -> list[np.ndarray]:
    """The same rules, one cycle at a time: the oracle for cells without a queue."""
    beats = [len(timings[0].room), *(len(t.need) for t in timings)]
    times: list[list[int]] = [[] for _ in beats]
    cycle = 0
    while any(len(t) < frames * b for t, b in zip(times, beats, strict=True)):
        before = [len(t) for t in times]
        for stream, made in enumerate(times):
            if before[stream] < frames * beats[stream] and may_move(timings, times, before, stream, cycle):
                made.append(cycle)
        cycle += 1
        assert cycle < 100_000
    return [np.array(t) for t in times]


def may_move(timings: list[Timing], times: list[list[int]], before: list[int], stream: int, cycle: int) -> bool:
    index, made = before[stream], times[stream]
    if index and cycle <= made[-1]:
        return False
    if stream > 0:
        t = timings[stream - 1]
        frame, k = divmod(index, len(t.need))
        need = int(t.need[k]) + frame * len(t.room)
        if need <= 0 and cycle < t.latency:
            return False
        if need > 0 and (before[stream - 1] < need or times[stream - 1][need - 1] + t.latency > cycle):
            return False
        if index and cycle < made[-1] + int(t.gap[k]):
            return False
    if stream < len(timings):
        t = timings[stream]
        frame, j = divmod(index, len(t.room))
        room = int(t.room[j]) + frame * len(t.need)
        if room > 0 and (before[stream + 1] < room or times[stream + 1][room - 1] + 1 > cycle):
            return False
    return True


CHAINS = {
    "elementwise": [Timing.elementwise(6), Timing.elementwise(6)],
    "mlp": [Timing.elementwise(16), folded(1, 16, 4), Timing.elementwise(4), folded(1, 4, 5)],
    "single buffer": [Timing.elementwise(8), folded(2, 4, 3, buffers=1), Timing.elementwise(6)],
    "bursts": [folded(4, 3, 6), fifo(24, 2), folded(2, 12, 2), fifo(4, 3)],
    "border first": [
        Timing(need=np.array([0, 0, 1, 2, 2, 3, 4, 4]), room=np.array([1, 2, 4, 5]), gap=np.ones(8, dtype=np.int64)),
        folded(2, 4, 3),
    ],
    "shallow": [folded(6, 2, 4), folded(3, 8, 2), folded(1, 6, 7)],
}


@pytest.mark.parametrize("name", CHAINS)
def test_transfer_times_equal_those_of_a_simulation_cycle_by_cycle(name: str) -> None:
    chain = CHAINS[name]
    schedule = simulate(chain)
    slow = slow_simulation(chain, schedule.frames)
    for fast, expected in zip(schedule.times, slow, strict=True):
        assert np.array_equal(fast, expected)


def test_results_in_a_queue_leave_one_a_cycle_once_a_stall_is_over() -> None:
    late = Timing(need=np.full(6, 6), room=np.array([0, 1, 2, 3, 4, 5]) - 6, gap=np.ones(6, dtype=np.int64))
    blocked = Timing(need=np.array([1, 2, 3, 4, 5, 6]), room=np.array([-6, 0, 0, 0, 0, 0]), gap=np.full(6, 40), latency=1)
    with_queue, without = (simulate([folded(1, 10, 6, queue=queue), blocked, late]) for queue in (2, 0))
    assert all(np.all(a <= b) for a, b in zip(with_queue.times, without.times, strict=True))
    assert with_queue.interval == without.interval == 240


def test_a_queue_never_makes_results_closer_than_the_gap_on_average() -> None:
    cell = folded(3, 5, 4, queue=2)
    assert simulate([cell]).interval == cell.interval == 60


def test_a_double_buffered_chain_runs_at_its_slowest_cell() -> None:
    chain = [Timing.elementwise(64), folded(1, 64, 4), Timing.elementwise(4), folded(1, 4, 32), Timing.elementwise(32), folded(1, 32, 10)]
    schedule = simulate(chain)
    assert schedule.period == 1
    assert schedule.interval == max(cell.interval for cell in chain) == 320


def test_a_single_buffer_costs_interval_and_the_schedule_says_so() -> None:
    assert simulate([folded(1, 8, 4, buffers=1)]).interval > folded(1, 8, 4).interval


def test_alternating_intervals_are_recognised_soon_and_the_longer_one_counts() -> None:
    """A converter from 1 to 2 lanes and a 4 x 4 matrix at PE 2, SIMD 2; found by a compilation that took minutes."""
    pairs, vectors = np.arange(36), np.arange(18)
    converter = Timing(need=2 * np.arange(18) + 2, room=(pairs + 1) // 2 - 1, gap=np.ones(18, dtype=np.int64), latency=1)
    matrix = Timing(need=vectors // 2 * 2 + 2, room=vectors // 2 * 2 - 2, gap=np.full(18, 2), latency=4, queue=2)
    schedule = simulate([converter, matrix])
    assert sorted(np.diff(schedule.frame_ends)[-2:]) == [40, 41]
    assert (schedule.period, schedule.interval) == (2, 41)
    assert schedule.frames < 30


def test_a_source_that_spreads_its_beats_sets_the_interval() -> None:
    assert simulate([Timing.elementwise(8)], source_interval=80).interval == 80


def test_latency_counts_first_and_last_cycle() -> None:
    assert simulate([Timing.elementwise(1, latency=1)]).latency == 2


def test_cells_that_wait_for_each_other_are_reported() -> None:
    stuck = Timing(need=np.array([2]), room=np.array([0, 1]), gap=np.ones(1, dtype=np.int64))
    with pytest.raises(FoldingError, match="wait for each other for ever"):
        simulate([stuck])
