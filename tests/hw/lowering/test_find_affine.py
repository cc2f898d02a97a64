"""An Affine equals the float32 chain that it stands for on every reachable value, and is refused where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.graph import Graph, StreamType
from xnorflow.hw.lowering.find_thresholds import find_thresholds
from xnorflow.hw.lowering.float_nodes import Quantise
from xnorflow.hw.nodes import Affine
from xnorflow.hw.types import IntType

S12 = IntType(12, signed=True)


def quantise(steps, out, kind=S12, channels=3):
    """A graph of one Quantise on a stream of a type, ending in FLOOR and saturation."""
    ends = (FloatStep.of(StepKind.CLIP, out.minimum, out.maximum), FloatStep.of(StepKind.FLOOR))
    node = Quantise(name="q", inputs=("x",), outputs=("y",), chain=FloatChain((*steps, *ends)), out_type=out)
    return Graph({"x": StreamType((channels,), kind)}, (node,), ("y",))


def assert_equal_everywhere(graph):
    """Every value of the input's type, through the chain and through what became of it."""
    (found,), (node,) = find_thresholds(graph).nodes, graph.nodes
    (kind,) = graph.types_of(node)
    x = np.repeat(np.arange(kind.dtype.minimum, kind.dtype.maximum + 1)[:, None], kind.channels, axis=1)
    assert np.array_equal(found.execute((x,))[0], node.execute((x,))[0])
    return found


def grid(rng, bits, fraction, channels=3):
    return rng.integers(-(1 << bits), 1 << bits, channels) * 2.0**-fraction


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60, derandomize=True)
def test_slopes_with_and_without_a_bend_equal_their_chain(seed):
    rng = np.random.default_rng(seed)
    steps = [FloatStep.of(StepKind.MUL, grid(rng, 5, int(rng.integers(2, 9)))), FloatStep.of(StepKind.ADD, grid(rng, 8, int(rng.integers(0, 4))))]
    bend = rng.integers(4)
    if bend == 1:
        steps.append(FloatStep.of(StepKind.PRELU, rng.integers(0, 33, 3) / 32))
    if bend == 2:
        steps += [FloatStep.of(StepKind.PRELU, rng.integers(-16, 17, 3) / 16), FloatStep.of(StepKind.ADD, grid(rng, 6, 2))]
    if bend == 3:
        steps += [FloatStep.of(StepKind.RELU), FloatStep.of(StepKind.MUL, 0.75)]
    steps.append(FloatStep.of(StepKind.DIV, 2.0 ** -int(rng.integers(0, 3))))
    out = IntType(int(rng.integers(6, 13)), signed=bool(rng.integers(2)))
    found = assert_equal_everywhere(quantise(steps, out))
    if isinstance(found, Affine):
        assert found.pieces <= (2 if bend else 1)


def test_a_chain_of_many_codes_is_an_affine_with_the_fewest_fraction_bits():
    found = assert_equal_everywhere(
        quantise(
            [
                FloatStep.of(
                    StepKind.MUL,
                    0.375,
                ),
                FloatStep.of(StepKind.ADD, 1.5),
            ],
            IntType(11, signed=True),
        )
    )
    assert isinstance(found, Affine)
    assert (found.shift, found.mul.tolist(), found.pieces) == (3, [[3]] * 3, 1)


def test_few_codes_stay_thresholds():
    found = assert_equal_everywhere(quantise([FloatStep.of(StepKind.MUL, 0.25)], IntType(4, signed=True)))
    assert found.op == "Threshold"


@pytest.mark.parametrize("mul", [0.0078125, -0.0078125, 0.00030517578125])
def test_a_slope_over_a_range_too_large_to_list_equals_its_chain(mul):
    kind = IntType(22, signed=True)
    steps = [FloatStep.of(StepKind.MUL, [mul]), FloatStep.of(StepKind.ADD, [3.25])]
    found = assert_equal_everywhere(quantise(steps, IntType(12, signed=True), kind, channels=1))
    assert isinstance(found, Affine)
    assert found.pieces == 1


def test_constants_that_are_no_power_of_two_are_read_off_the_values():
    steps = [FloatStep.of(StepKind.MUL, [0.0123457, -0.4561237, 0.7891011]), FloatStep.of(StepKind.ADD, [0.1234567, 20.3456789, -7.7654321])]
    found = assert_equal_everywhere(quantise(steps, IntType(8, signed=True)))
    assert isinstance(found, Affine)


def test_two_bends_of_many_codes_are_refused():
    steps = [FloatStep.of(StepKind.PRELU, 0.5), FloatStep.of(StepKind.ADD, 100.0), FloatStep.of(StepKind.PRELU, 0.25)]
    with pytest.raises(UnsupportedModelError, match=r"node q: its chain of float operations makes \d+ codes and is no slope of at most two pieces"):
        find_thresholds(quantise(steps, IntType(12, signed=True)))
