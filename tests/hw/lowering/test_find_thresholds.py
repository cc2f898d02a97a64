"""Thresholds equal the chain on every reachable value: exhaustive, bisected, decreasing, constant, as a table."""

import numpy as np
import pytest

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.graph import Graph, StreamType
from xnorflow.hw.lowering import find_thresholds as module
from xnorflow.hw.lowering.find_thresholds import find_thresholds
from xnorflow.hw.lowering.float_nodes import Quantise
from xnorflow.hw.types import BIPOLAR, IntType


def graph(chain, bits, channels, out_type, signed=True):
    node = Quantise(name="q", inputs=("x",), outputs=("y",), chain=chain, out_type=out_type)
    return Graph({"x": StreamType((channels,), IntType(bits, signed))}, (node,), ("y",))


def check(before):
    after = find_thresholds(before)
    kind = before.inputs["x"]
    x = np.arange(kind.dtype.minimum, kind.dtype.maximum + 1)[:, None] * np.ones(kind.channels, dtype=np.int64)
    assert np.array_equal(after.nodes[0].execute((x,))[0], before.nodes[0].execute((x,))[0])
    if after.nodes[0].op == "Threshold":
        signed = np.where(after.nodes[0].negate, -1, 1)[:, None]
        low, high = (
            np.minimum(signed * kind.dtype.minimum, signed * kind.dtype.maximum),
            np.maximum(signed * kind.dtype.minimum, signed * kind.dtype.maximum),
        )
        assert np.all((after.nodes[0].thresholds >= low) & (after.nodes[0].thresholds <= high + 1))
    return after.nodes[0]


def quantiser(rng, channels, low, high):
    steps = [FloatStep.of(StepKind.MUL, rng.normal(size=channels)), FloatStep.of(StepKind.ADD, rng.normal(size=channels) * 5)]
    return FloatChain((*steps, FloatStep.of(StepKind.DIV, 3.0), FloatStep.of(StepKind.CLIP, low, high), FloatStep.of(StepKind.ROUND)))


@pytest.mark.parametrize("bits", [1, 2, 5, 11])
@pytest.mark.parametrize("limit", [1 << 20, 0])
def test_signs_with_gammas_of_both_signs(rng, monkeypatch, bits, limit):
    monkeypatch.setattr(module, "_LARGEST_RANGE", limit)
    steps = FloatStep.of(StepKind.MUL, rng.normal(size=9)), FloatStep.of(StepKind.SUB, rng.normal(size=9) * 2**bits), FloatStep.of(StepKind.SIGN)
    node = check(graph(FloatChain(steps), bits, 9, BIPOLAR))
    assert node.thresholds.shape == (9, 1)


@pytest.mark.parametrize("limit", [1 << 20, 0])
@pytest.mark.parametrize(
    ("low", "high", "kind"), [(0, 3, IntType(2, False)), (-4, 3, IntType(3, True)), (-7, 7, IntType(4, True)), (0, 1, IntType(1, False))]
)
def test_codes_of_several_bits(rng, monkeypatch, limit, low, high, kind):
    monkeypatch.setattr(module, "_LARGEST_RANGE", limit)
    check(graph(quantiser(rng, 12, low, high), 7, 12, kind))


@pytest.mark.parametrize("value", [-9.0, 9.0])
def test_a_channel_that_never_changes(value):
    steps = FloatStep.of(StepKind.MUL, 0.0), FloatStep.of(StepKind.ADD, value), FloatStep.of(StepKind.CLIP, 0, 3), FloatStep.of(StepKind.ROUND)
    check(graph(FloatChain(steps), 5, 3, IntType(2, False)))
    check(graph(FloatChain((*steps[:2], FloatStep.of(StepKind.SIGN))), 5, 3, BIPOLAR))


def test_a_chain_that_turns_becomes_a_table():
    steps = FloatStep.of(StepKind.PRELU, [-1.0, 0.5]), FloatStep.of(StepKind.SUB, 7.0), FloatStep.of(StepKind.SIGN)
    assert check(graph(FloatChain(steps), 6, 2, BIPOLAR)).op == "Table"


def test_a_turning_chain_over_many_values_is_refused(monkeypatch):
    steps = FloatStep.of(StepKind.PRELU, [-1.0]), FloatStep.of(StepKind.SUB, 7.0), FloatStep.of(StepKind.SIGN)
    with pytest.raises(UnsupportedModelError, match=r"node q: .*not monotone"):
        find_thresholds(graph(FloatChain(steps), 14, 1, BIPOLAR))
    monkeypatch.setattr(module, "_LARGEST_RANGE", 0)
    with pytest.raises(UnsupportedModelError, match=r"node q: .*not monotone"):
        find_thresholds(graph(FloatChain(steps), 14, 1, BIPOLAR))


def test_a_tie_of_half_goes_to_the_even_code_as_in_the_file():
    steps = FloatStep.of(StepKind.DIV, 2.0), FloatStep.of(StepKind.CLIP, 0, 3), FloatStep.of(StepKind.ROUND)
    node = check(graph(FloatChain(steps), 4, 1, IntType(2, False)))
    assert node.thresholds.tolist() == [[2, 3, 6]]
