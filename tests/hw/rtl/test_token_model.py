"""The timing that nodes state, without a simulator: intervals by the cells' formulas."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xnorflow.hw.graph import StreamType
from xnorflow.hw.nodes import SlidingWindow
from xnorflow.hw.timing import unstalled
from xnorflow.hw.types import BIPOLAR
from xnorflow.sim.bench.matrix import MATRIX, cell_cases

SMALL = st.integers(1, 4)


@given(
    height=st.integers(1, 10),
    width=st.integers(1, 10),
    beats=st.integers(1, 2),
    kernel=st.tuples(SMALL, SMALL),
    stride=st.tuples(SMALL, SMALL),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
)
@settings(deadline=None)
def test_a_window_of_any_shape_runs_without_a_bubble_between_frames(height, width, beats, kernel, stride, dilation):
    node = SlidingWindow(name="n", inputs=("x",), outputs=("y",), kernel=kernel, stride=stride, dilation=dilation, lanes=1)
    rows, cols = node.out_size(height, width)
    assume(rows >= 1 and cols >= 1)
    timing = node.timing((StreamType((height, width, beats), BIPOLAR),))
    _, made = unstalled([timing], 5)
    outs = rows * cols * kernel[0] * kernel[1] * beats
    assert len(timing.need) == outs
    assert made[-1] - made[-1 - outs] == max(height * width * beats, outs) == timing.interval


@pytest.mark.parametrize("cell", MATRIX)
def test_the_token_model_reaches_the_interval_that_it_states(cell):
    for case in cell_cases(cell, 3):
        timings = case.node.timings(case.ins)
        assert [len(timing.room) for timing in timings] == [kind.beats(case.node.in_lanes) for kind in case.ins]
        beats = {kind.beats(case.node.out_lanes) for kind in case.outs}
        assert {len(timing.need) for timing in timings} == {len(timing.gap) for timing in timings} == beats
        taken, made = unstalled(timings, 8)
        assert all(np.all(np.diff(times) >= 1) for times in taken)
        assert np.all(np.diff(made) >= 1)
        assert made[-1] - made[-1 - len(timings[0].need)] == case.node.timing(case.ins).interval, case.name
