"""The bench's own parts: patterns replay, a source keeps its promise, a sink names what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow.hw.types import IntType
from xnorflow.sim.bench.matrix import MATRIX, cell_cases
from xnorflow.sim.bench.patterns import FREE, PATTERNS, Pauses
from xnorflow.sim.bench.plan import CellPlan, make_plan, random_frames, save_plans
from xnorflow.sim.bench.streams import Sink, Source


def test_the_same_seed_pauses_alike_and_another_one_does_not():
    one, same, other = (Pauses(0.5, 1, seed) for seed in ("a", "a", "b"))
    first = [one.next() for _ in range(100)]
    assert first == [same.next() for _ in range(100)]
    assert first != [other.next() for _ in range(100)]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda p: p.name)
def test_a_pattern_pauses_on_the_sides_that_it_names(pattern):
    for probability in (pattern.gap, pattern.stall):
        pauses = Pauses(probability, pattern.burst, "s")
        count = sum(pauses.next() for _ in range(2000))
        assert (count > 0) == (probability > 0)
        assert count < 2000


def test_a_source_keeps_valid_and_data_until_the_beat_is_taken():
    source = Source([5, 6], FREE, "s")
    source.drive()
    for cycle in range(3):
        assert (source.valid, source.data) == (True, 5)
        source.sample(ready=False, cycle=cycle)
        source.drive()
    source.sample(ready=True, cycle=3)
    source.drive()
    assert (source.valid, source.data, source.taken) == (True, 6, [3])
    source.sample(ready=True, cycle=4)
    source.drive()
    assert (source.valid, source.done) == (False, True)


def test_a_sink_takes_what_is_expected_and_names_what_is_not():
    sink = Sink([1, 2, 3], FREE, "s")
    sink.drive()
    assert sink.ready
    assert sink.sample(1, 0) is None
    assert sink.sample(7, 1) == "beat 1 is 0x7, not 0x2"
    assert sink.sample(-1, 2) == "beat 2 is undefined, not 0x3"
    sink.drive()
    assert (sink.done, sink.ready, sink.made) == (True, False, [0, 1, 2])


def test_frames_hold_both_extremes_and_only_values_of_their_type():
    case = cell_cases("xf_argmax", 1)[0]
    values = random_frames(case.ins[0], 6, np.random.default_rng(1))
    assert case.ins[0].dtype == IntType(4, signed=True)
    assert case.ins[0].dtype.allows(values)
    assert set(np.unique(values[:2])) == {-8, 7}
    assert len(np.unique(values[2:])) > 4


def test_a_plan_survives_its_file(tmp_path):
    plans = [make_plan(case, 2, 2, seed=3) for case in cell_cases("xf_pad", 1)]
    save_plans(plans, tmp_path / "plan.json")
    assert CellPlan.load(tmp_path / "plan.json") == plans


@pytest.mark.parametrize("cell", MATRIX)
def test_the_matrix_draws_alike_from_a_seed(cell):
    names = [case.name for case in cell_cases(cell, 5)]
    assert names == [case.name for case in cell_cases(cell, 5)]
    assert len(names) >= 6
