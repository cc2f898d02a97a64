from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from xnorflow.errors import FoldingError
from xnorflow.hw.schedule import Placed, in_a_row, keeps_pace, simulate
from xnorflow.hw.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Sequence


def fifo(beats: int, depth: int) -> Timing:
    index = np.arange(beats)
    return Timing(need=index + 1, room=index - depth + 1, gap=np.ones(beats, dtype=np.int64), latency=1)


def folded(vectors: int, reads: int, writes: int, buffers: int = 2, queue: int = 0) -> Timing:
    """Takes vectors of ``reads`` beats into ``buffers`` places, makes ``writes`` beats of each, ``reads`` cycles apart."""
    out, taken = np.arange(vectors * writes), np.arange(vectors * reads)
    gap = np.full(vectors * writes, reads)
    return Timing(need=(out // writes + 1) * reads, room=(taken // reads - buffers + 1) * writes, gap=gap, latency=3, queue=queue)


def slow_simulation(cells: Sequence[Placed], frames: int) -> list[np.ndarray]:
    """The same rules, one cycle at a time: the oracle for cells without a queue."""
    beats = [len(cells[0].timings[0].room), *(len(cell.timings[0].need) for cell in cells for _ in cell.outputs)]
    times: list[list[int]] = [[] for _ in beats]
    cycle = 0
    while any(len(t) < frames * b for t, b in zip(times, beats, strict=True)):
        before = [len(t) for t in times]
        for stream, made in enumerate(times):
            if before[stream] < frames * beats[stream] and may_move(cells, times, before, stream, cycle):
                made.append(cycle)
        cycle += 1
        assert cycle < 100_000
    return [np.array(t) for t in times]


def may_move(cells: Sequence[Placed], times: list[list[int]], before: list[int], stream: int, cycle: int) -> bool:
    if before[stream] and cycle <= times[stream][-1]:
        return False
    links = [(t, source, out) for cell in cells for t, source in zip(cell.timings, cell.inputs, strict=True) for out in cell.outputs]
    made = all(may_make(t, times, before, source, stream, cycle) for t, source, out in links if out == stream)
    return made and all(may_take(t, times, before, stream, out, cycle) for t, source, out in links if source == stream)


def may_make(t: Timing, times: list[list[int]], before: list[int], source: int, stream: int, cycle: int) -> bool:
    frame, k = divmod(before[stream], len(t.need))
    need = int(t.need[k]) + frame * len(t.room)
    if need <= 0 and cycle < t.latency:
        return False
    if need > 0 and (before[source] < need or times[source][need - 1] + t.latency > cycle):
        return False
    return not (before[stream] and cycle < times[stream][-1] + int(t.gap[k]))


def may_take(t: Timing, times: list[list[int]], before: list[int], stream: int, out: int, cycle: int) -> bool:
    frame, j = divmod(before[stream], len(t.room))
    room = int(t.room[j]) + frame * len(t.need)
    return not (room > 0 and (before[out] < room or times[out][room - 1] + 1 > cycle))


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
    assert_equals_the_oracle(in_a_row(CHAINS[name]))


def assert_equals_the_oracle(cells: Sequence[Placed]) -> None:
    schedule = simulate(cells, keep_times=True)
    slow = slow_simulation(cells, schedule.frames)
    for fast, expected in zip(schedule.times, slow, strict=True):
        assert np.array_equal(fast, expected)


def block(depth: int, branch: Timing) -> list[Placed]:
    """A fork, a branch over twelve beats, a FIFO beside it, and their join."""
    one = Timing.elementwise(12)
    return [
        Placed((one,), (0,), (1,)),
        Placed((one,), (1,), (2, 3)),
        Placed((branch,), (2,), (4,)),
        Placed((fifo(12, depth),), (3,), (5,)),
        Placed((one, one), (4, 5), (6,)),
        Placed((folded(3, 4, 2),), (6,), (7,)),
    ]


BRANCHES = {"whole frame": folded(1, 12, 12), "vectors": folded(3, 4, 4), "elementwise": Timing.elementwise(12, latency=3)}


@pytest.mark.parametrize("name", BRANCHES)
def test_transfer_times_of_branches_that_meet_equal_those_of_a_simulation_cycle_by_cycle(name: str) -> None:
    assert_equals_the_oracle(block(12, BRANCHES[name]))


def test_a_branch_that_is_too_shallow_beside_a_longer_one_waits_for_ever() -> None:
    """The join needs one beat of the long branch, which needs all twelve of the frame; two fit in fork and join each."""
    simulate(block(8, BRANCHES["whole frame"]))
    with pytest.raises(FoldingError, match="wait for each other for ever"):
        simulate(block(7, BRANCHES["whole frame"]))
    assert not keeps_pace(block(7, BRANCHES["whole frame"]), latency=200, interval=200)


def gate(pixels: int, channels: int) -> Timing:
    """The second input of a cell that takes it once a frame and uses it for every pixel; two such vectors fit."""
    index = np.arange(pixels * channels)
    room = np.full(channels, 1 - pixels * channels)
    return Timing(need=index % channels + 1, room=room, gap=np.ones_like(index), latency=3)


def gated(depth: int) -> list[Placed]:
    """A fork, the sum of four pixels of three beats, a slow layer on it, and the gate of the pixels that wait beside them."""
    one, taken = Timing.elementwise(12), np.arange(12)
    total = Timing(need=np.array([10, 11, 12]), room=np.where(taken < 9, -2, taken - 10), gap=np.ones(3, dtype=np.int64))
    return [
        Placed((one,), (0,), (1, 2)),
        Placed((total,), (1,), (3,)),
        Placed((folded(1, 3, 3),), (3,), (4,)),
        Placed((fifo(12, depth),), (2,), (5,)),
        Placed((Timing.elementwise(12, latency=3), gate(4, 3)), (5, 4), (6,)),
    ]


def test_transfer_times_of_a_cell_whose_inputs_differ_equal_those_of_a_simulation_cycle_by_cycle() -> None:
    assert_equals_the_oracle(gated(20))
    assert simulate(gated(20)).interval == 12


def test_a_frame_that_does_not_fit_in_front_of_its_gate_waits_for_ever() -> None:
    """Four beats fit in the gate's first input and two in the fork's output; the sum needs all twelve."""
    simulate(gated(6))
    with pytest.raises(FoldingError, match="wait for each other for ever"):
        simulate(gated(5))


def test_a_network_keeps_pace_at_its_own_latency_and_interval_and_no_less() -> None:
    cells = block(12, BRANCHES["vectors"])
    schedule = simulate(cells)
    latency, interval = schedule.latency, schedule.interval
    assert keeps_pace(cells, latency=latency, interval=interval)
    assert not keeps_pace(cells, latency=latency, interval=interval - 1)


def test_results_in_a_queue_leave_one_a_cycle_once_a_stall_is_over() -> None:
    late = Timing(need=np.full(6, 6), room=np.array([0, 1, 2, 3, 4, 5]) - 6, gap=np.ones(6, dtype=np.int64))
    blocked = Timing(need=np.array([1, 2, 3, 4, 5, 6]), room=np.array([-6, 0, 0, 0, 0, 0]), gap=np.full(6, 40), latency=1)
    with_queue, without = (simulate(in_a_row([folded(1, 10, 6, queue=queue), blocked, late]), keep_times=True) for queue in (2, 0))
    assert all(np.all(a <= b) for a, b in zip(with_queue.times, without.times, strict=True))
    assert with_queue.interval == without.interval == 240


def test_a_queue_never_makes_results_closer_than_the_gap_on_average() -> None:
    cell = folded(3, 5, 4, queue=2)
    assert simulate(in_a_row([cell])).interval == cell.interval == 60


def test_a_double_buffered_chain_runs_at_its_slowest_cell() -> None:
    chain = [Timing.elementwise(64), folded(1, 64, 4), Timing.elementwise(4), folded(1, 4, 32), Timing.elementwise(32), folded(1, 32, 10)]
    schedule = simulate(in_a_row(chain))
    assert schedule.period == 1
    assert schedule.interval == max(cell.interval for cell in chain) == 320


def test_a_single_buffer_costs_interval_and_the_schedule_says_so() -> None:
    assert simulate(in_a_row([folded(1, 8, 4, buffers=1)])).interval > folded(1, 8, 4).interval


def test_alternating_intervals_are_recognised_soon_and_the_longer_one_counts() -> None:
    """A converter from 1 to 2 lanes and a 4 x 4 matrix at PE 2, SIMD 2; found by a compilation that took minutes."""
    pairs, vectors = np.arange(36), np.arange(18)
    converter = Timing(need=2 * np.arange(18) + 2, room=(pairs + 1) // 2 - 1, gap=np.ones(18, dtype=np.int64), latency=1)
    matrix = Timing(need=vectors // 2 * 2 + 2, room=vectors // 2 * 2 - 2, gap=np.full(18, 2), latency=4, queue=2)
    schedule = simulate(in_a_row([converter, matrix]))
    assert sorted(np.diff(schedule.frame_ends)[-2:]) == [40, 41]
    assert (schedule.period, schedule.interval) == (2, 41)
    assert schedule.frames < 30


def test_a_source_that_spreads_its_beats_sets_the_interval() -> None:
    assert simulate(in_a_row([Timing.elementwise(8)]), source_interval=80).interval == 80


def test_latency_counts_first_and_last_cycle() -> None:
    assert simulate(in_a_row([Timing.elementwise(1, latency=1)])).latency == 2


def test_cells_that_wait_for_each_other_are_reported() -> None:
    stuck = Timing(need=np.array([2]), room=np.array([0, 1]), gap=np.ones(1, dtype=np.int64))
    with pytest.raises(FoldingError, match="wait for each other for ever"):
        simulate(in_a_row([stuck]))
