"""Slopes by algebra: equal to the chain on every input, or None."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering.exact_affine import exact_affine
from xnorflow.hw.lowering.float_nodes import Quantise
from xnorflow.hw.types import IntType

LINEAR = (StepKind.MUL, StepKind.ADD, StepKind.SUB, StepKind.RSUB, StepKind.DIV, StepKind.PRELU, StepKind.RELU)


def quantise(steps, out_type, rounding=StepKind.FLOOR):
    tail = (FloatStep.of(StepKind.ADD, 0.0), FloatStep.of(StepKind.CLIP, out_type.minimum, out_type.maximum), FloatStep.of(rounding))
    return Quantise(name="q", inputs=("x",), outputs=("y",), chain=FloatChain((*steps, *tail)), out_type=out_type)


def drawn(rng, channels):
    """Steps whose constants lie on grids of few bits."""
    steps = [FloatStep.of(StepKind.OFFSET, rng.integers(-9, 9, channels))] if rng.random() < 0.3 else []
    for kind in rng.choice(LINEAR, int(rng.integers(0, 5))):
        bits, fraction = rng.integers(0, 6), rng.integers(-2, 6)
        grid = rng.integers(-(1 << bits), (1 << bits) + 1, channels) * 2.0**-fraction
        operand = () if kind is StepKind.RELU else (2.0 ** rng.integers(-4, 5),) if kind is StepKind.DIV else (grid,)
        steps.append(FloatStep.of(kind, *operand))
    return steps


def test_random_chains_equal_their_affine_on_every_input() -> None:
    found = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        channels = int(rng.integers(1, 5))
        kind = IntType(int(rng.integers(2, 9)), signed=bool(rng.integers(2)))
        low = rng.integers(kind.minimum, kind.maximum + 1, channels)
        high = np.minimum(kind.maximum, low + rng.integers(0, kind.maximum - kind.minimum + 1, channels))
        node = quantise(drawn(rng, channels), IntType(int(rng.integers(2, 9)), signed=bool(rng.integers(2))))
        affine = exact_affine(node, kind, low, high)
        if affine is not None:
            found += 1
            x = np.clip(low + np.arange(int((high - low).max()) + 1)[:, None], low, high)
            assert np.array_equal(affine.execute((x,))[0], node.codes(x)), f"seed {seed}"
    assert found > 200


@pytest.mark.parametrize("reach", [1 << 22, 1 << 23])
def test_integers_beyond_24_bits_are_left_to_evaluation(reach) -> None:
    node = quantise([FloatStep.of(StepKind.MUL, 3.0), FloatStep.of(StepKind.DIV, 1024.0)], IntType(12, signed=True))
    low, high = np.array([-reach]), np.array([reach])
    assert (exact_affine(node, IntType(25, signed=True), low, high) is None) == (3 * reach > 1 << 24)


@pytest.mark.parametrize("steps", [[FloatStep.of(StepKind.DIV, 3.0)], [FloatStep.of(StepKind.SIGMOID)], [FloatStep.of(StepKind.MUL, 0.1)] * 3])
def test_chains_that_round_are_left_to_evaluation(steps) -> None:
    node = quantise(steps, IntType(8, signed=True))
    assert exact_affine(node, IntType(8, signed=True), np.array([-128]), np.array([127])) is None


def test_only_whole_numbers_may_be_rounded_otherwise_than_down() -> None:
    kind, ends = IntType(8, signed=True), (np.array([-128]), np.array([127]))
    for divisor, exact in ((1.0, True), (2.0, False)):
        node = quantise([FloatStep.of(StepKind.DIV, divisor)], kind, StepKind.ROUND)
        assert (exact_affine(node, kind, *ends) is not None) == exact
