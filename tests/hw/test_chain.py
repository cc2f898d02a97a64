"""Float chains: each step one float32 rounding, serialised without losing a bit, monotone only where proven."""

import numpy as np
import pytest

from xnorflow.errors import BadInputError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind

ALL_STEPS = [
    FloatStep.of(StepKind.OFFSET, [3, -4, 5]),
    FloatStep.of(StepKind.MUL, [0.1, -0.2, 3.0]),
    FloatStep.of(StepKind.ADD, 0.3),
    FloatStep.of(StepKind.SUB, [0.1, 0.2, 0.3]),
    FloatStep.of(StepKind.RSUB, 1.5),
    FloatStep.of(StepKind.DIV, [3.0, 7.0, -11.0]),
    FloatStep.of(StepKind.PRELU, [0.25, 0.0, 0.7]),
    FloatStep.of(StepKind.CLIP, -4.0, 4.0),
    FloatStep.of(StepKind.RELU),
]


def test_steps_round_one_at_a_time_as_scalar_float32_does():
    x = np.arange(-50, 50, dtype=np.int64)[:, None] * np.array([1, 2, 3])
    got = FloatChain(tuple(ALL_STEPS)).apply(x)
    f = np.float32
    for i, row in enumerate(x):
        for c in range(3):
            v = f(int(row[c]) - (3, -4, 5)[c])
            v = f(v * f((0.1, -0.2, 3.0)[c]))
            v = f(v + f(0.3))
            v = f(v - f((0.1, 0.2, 0.3)[c]))
            v = f(f(1.5) - v)
            v = f(v / f((3.0, 7.0, -11.0)[c]))
            v = v if v >= 0 else f(v * f((0.25, 0.0, 0.7)[c]))
            v = min(max(v, f(-4.0)), f(4.0))
            assert got[i, c] == max(v, f(0))
    assert got.dtype == np.float32


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (StepKind.ROUND, [-2, -2, -0.0, 0, 2, 2, 2]),
        (StepKind.FLOOR, [-3, -2, -1, 0, 1, 2, 2]),
        (StepKind.CEIL, [-2, -1, -0.0, 1, 2, 3, 3]),
        (StepKind.ROUND_UP, [-3, -2, -1, 1, 2, 3, 3]),
        (StepKind.ROUND_DOWN, [-2, -1, -0.0, 0, 1, 2, 2]),
        (StepKind.HALF_UP, [-3, -2, -1, 1, 2, 3, 2]),
        (StepKind.HALF_DOWN, [-2, -1, -0.0, 0, 1, 2, 2]),
        (StepKind.SIGN, [-1, -1, -1, 1, 1, 1, 1]),
    ],
)
def test_rounding_modes(kind, expected):
    x = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.25], dtype=np.float32)
    assert FloatChain((FloatStep.of(kind),)).apply(x).tolist() == expected


def test_sign_of_minus_zero_is_plus_one():
    assert FloatChain((FloatStep.of(StepKind.SIGN),)).apply(np.float32([-0.0])).tolist() == [1.0]


def test_an_offset_is_subtracted_before_the_value_is_rounded_to_float32():
    chain = FloatChain((FloatStep.of(StepKind.OFFSET, (1 << 25) + 1),))
    assert chain.apply(np.array([(1 << 25) + 4])).tolist() == [3.0]
    with pytest.raises(BadInputError, match="first step"):
        FloatChain((FloatStep.of(StepKind.RELU), FloatStep.of(StepKind.OFFSET, 1)))


def test_json_keeps_every_bit():
    chain = FloatChain(tuple(ALL_STEPS))
    again = FloatChain.from_json(chain.to_json())
    assert [s.kind for s in again.steps] == [s.kind for s in chain.steps]
    for a, b in zip(again.steps, chain.steps, strict=True):
        assert all(c.dtype == d.dtype and np.array_equal(c, d) for c, d in zip(a.operands, b.operands, strict=True))


@pytest.mark.parametrize(
    "raw",
    [[{"kind": "sin", "operands": []}], [{"kind": "mul", "operands": []}], [{}], [{"kind": "mul", "operands": [{"dtype": "float64", "data": ""}]}]],
)
def test_a_broken_record_is_refused(raw):
    with pytest.raises(BadInputError):
        FloatChain.from_json(raw)


def test_directions_are_the_product_of_the_steps():
    chain = FloatChain(tuple(ALL_STEPS[1:]))
    assert chain.directions().tolist() == [-1, 1, 1]
    assert FloatChain((FloatStep.of(StepKind.PRELU, [-0.1, 0.1]),)).directions().tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(20))
def test_a_proven_direction_holds_on_every_float(seed):
    rng = np.random.default_rng(seed)
    steps = []
    for _ in range(4):
        kind = (StepKind.MUL, StepKind.ADD, StepKind.DIV, StepKind.RSUB, StepKind.RELU, StepKind.ROUND, StepKind.PRELU)[rng.integers(7)]
        steps.append(FloatStep.of(kind, *([rng.normal(size=5)] if kind not in (StepKind.RELU, StepKind.ROUND) else [])))
    chain = FloatChain(tuple(steps))
    curve = np.diff(chain.apply(np.arange(-3000, 3000)[:, None] * np.ones(5, dtype=np.int64)), axis=0)
    direction = np.broadcast_to(chain.directions(), (5,))
    for c in range(5):
        assert direction[c] == 0 or np.all(direction[c] * curve[:, c] >= 0)
