"""What Fork, Add, Multiply, ChannelGate, Concat, Affine, SumPool and GlobalSum compute, by slow formulas, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xnorflow.errors import BadInputError, FoldingError
from xnorflow.hw.graph import StreamType
from xnorflow.hw.nodes import Add, Affine, ChannelGate, Concat, Fork, GlobalSum, Multiply, SumPool
from xnorflow.hw.types import BIPOLAR, IntType

S4, S8, U8 = IntType(4, signed=True), IntType(8, signed=True), IntType(8, signed=False)


def affine(mul, add, knee=(), shift=2, out=S4, lanes=0):
    arrays = {"mul": np.array(mul), "add": np.array(add), "knee": np.array(knee, dtype=np.int64)}
    return Affine(name="n", inputs=("x",), outputs=("y",), **arrays, shift=shift, out_type=out, lanes=lanes)


def test_add_saturates_at_both_ends() -> None:
    node = Add(name="n", inputs=("a", "b"), outputs=("y",), out_type=S4)
    a, b = np.array([[7, -8, 3, -4]]), np.array([[5, -1, -4, 4]])
    assert node.execute((a, b))[0].tolist() == [[7, -8, -1, 0]]


def test_products_floor_towards_minus_infinity_and_saturate() -> None:
    node = Multiply(name="n", inputs=("a", "b"), outputs=("y",), shift=2, out_type=S4)
    a, b = np.array([[7, -8, -1, 1, -3, 5]]), np.array([[7, 7, 1, 3, 5, 0]])
    assert node.execute((a, b))[0].tolist() == [[7, -8, -1, 0, -4, 0]]


@pytest.mark.parametrize("shape", [(1, 1, 3), (3,)])
def test_a_gate_multiplies_every_pixel_of_its_own_frame(shape) -> None:
    node = ChannelGate(name="n", inputs=("x", "g"), outputs=("y",), shift=2, out_type=S4)
    rng = np.random.default_rng(2)
    x, gate = rng.integers(-8, 8, (2, 3, 2, 3)), rng.integers(0, 16, (2, 3))
    (out,) = node.execute((x, gate.reshape(2, *shape)))
    wanted = [max(-8, min(7, math.floor(int(x[at]) * int(gate[at[0], at[3]]) / 4))) for at in np.ndindex(*x.shape)]
    assert out.reshape(-1).tolist() == wanted
    assert {-8, 7} < set(wanted)
    assert node.infer((StreamType((3, 2, 3), S4), StreamType(shape, U8))) == (StreamType((3, 2, 3), S4),)


def test_channels_of_the_first_come_before_those_of_the_second() -> None:
    node = Concat(name="n", inputs=("a", "b"), outputs=("y",), lanes=2)
    assert node.execute((np.array([[1, 2]]), np.array([[3, 4]])))[0].tolist() == [[1, 2, 3, 4]]
    assert node.infer((StreamType((3, 2, 4), BIPOLAR),) * 2) == (StreamType((3, 2, 8), BIPOLAR),)


def test_an_affine_floors_towards_minus_infinity_and_saturates() -> None:
    node = affine([[3], [-3]], [[1], [0]])
    x = np.array([[-9, 9], [-1, 1], [0, 0], [1, -1], [9, -9]])
    wanted = [[max(-8, min(7, (m * v + a) // 4)) for v, m, a in zip(row, (3, -3), (1, 0), strict=True)] for row in x.tolist()]
    assert node.execute((x,))[0].tolist() == wanted


def test_the_second_piece_holds_below_the_knee_and_not_at_it() -> None:
    node = affine([[4, 8]], [[0, 0]], knee=[2], shift=2, out=S8)
    assert node.execute((np.array([[1], [2], [3]]),))[0].tolist() == [[2], [2], [3]]


def test_sums_over_windows_and_images_are_those_of_their_pixels() -> None:
    x = np.random.default_rng(1).integers(-8, 8, (2, 3, 2, 8))
    windows = SumPool(name="n", inputs=("x",), outputs=("y",), taps=4)
    assert np.array_equal(windows.execute((x,))[0], sum(x[..., 2 * tap : 2 * tap + 2] for tap in range(4)))
    image = GlobalSum(name="n", inputs=("x",), outputs=("y",))
    assert np.array_equal(image.execute((x,))[0], x.sum(axis=(1, 2), keepdims=True))
    assert image.infer((StreamType((3, 2, 8), S4),)) == (StreamType((1, 1, 8), IntType(7, signed=True)),)
    assert windows.infer((StreamType((3, 2, 8), BIPOLAR),)) == (StreamType((3, 2, 2), IntType(4, signed=True)),)


IMAGE, SMALL, VECTOR = StreamType((2, 2, 3), S8), StreamType((2, 1, 3), S8), StreamType((3,), S8)
WIDE = StreamType((3,), IntType(32, signed=False))
ONE = {"name": "n", "inputs": ("x",), "outputs": ("y",)}
TWO = {"name": "n", "inputs": ("a", "b"), "outputs": ("y",)}
REFUSED = [
    (Fork(**ONE), (IMAGE,), "Fork has 1 inputs and 1 outputs; 1 and at least 2 are accepted"),
    (Add(**TWO, out_type=S8), (IMAGE, SMALL), r"Add of streams \(2, 2, 3\) and \(2, 1, 3\); equal shapes are accepted"),
    (Add(**ONE, out_type=S8), (IMAGE,), "Add has 1 inputs and 1 outputs; 2 and 1 are accepted"),
    (Add(**TWO, out_type=BIPOLAR), (IMAGE, IMAGE), "Add to BIPOLAR; INT or UINT is accepted"),
    (Multiply(**TWO, shift=0, out_type=S8), (IMAGE, SMALL), r"Multiply of streams \(2, 2, 3\) and \(2, 1, 3\); equal shapes are accepted"),
    (Multiply(**ONE, shift=0, out_type=S8), (IMAGE,), "Multiply has 1 inputs and 1 outputs; 2 and 1 are accepted"),
    (Multiply(**TWO, shift=0, out_type=BIPOLAR), (IMAGE, IMAGE), "Multiply to BIPOLAR; INT or UINT is accepted"),
    (Multiply(**TWO, shift=62, out_type=S8), (IMAGE, IMAGE), "shift 62 of products of 16 bits; shifts of 0 to 61 and at most 62 bits"),
    (Multiply(**TWO, shift=0, out_type=S8), (WIDE, WIDE), "shift 0 of products of 65 bits"),
    (ChannelGate(**ONE, shift=0, out_type=S8), (IMAGE,), "ChannelGate has 1 inputs and 1 outputs; 2 and 1 are accepted"),
    (ChannelGate(**TWO, shift=0, out_type=S8), (VECTOR, VECTOR), r"ChannelGate takes a stream \(H, W, C\), not \(3,\)"),
    (ChannelGate(**TWO, shift=0, out_type=S8), (IMAGE, SMALL), r"ChannelGate of streams \(2, 2, 3\) and \(2, 1, 3\); a gate \(1, 1, 3\) or \(3,\)"),
    (ChannelGate(**TWO, shift=0, out_type=BIPOLAR), (IMAGE, VECTOR), "ChannelGate to BIPOLAR; INT or UINT is accepted"),
    (ChannelGate(**TWO, shift=-1, out_type=S8), (IMAGE, VECTOR), "shift -1 of products of 16 bits; shifts of 0 to 61 and at most 62 bits"),
    (Concat(**ONE), (IMAGE,), "Concat has 1 inputs and 1 outputs; 2 and 1 are accepted"),
    (Concat(**TWO), (IMAGE, SMALL), r"Concat of streams \(2, 2, 3\) and \(2, 1, 3\); equal shapes are accepted"),
    (Concat(**TWO), (IMAGE, StreamType((2, 2, 3), BIPOLAR)), "Concat of streams INT8 and BIPOLAR; equal types are accepted"),
    (affine([[1]], [[1]]), (IMAGE,), r"coefficients \(1, 1\) and \(1, 1\) do not fit 3 channels"),
    (affine([[1, 1]] * 3, [[1, 1]] * 3), (IMAGE,), r"2 pieces with knees \(0,\)"),
    (affine([[1]] * 3, [[1]] * 3, out=BIPOLAR), (IMAGE,), "Affine to BIPOLAR; INT or UINT is accepted"),
    (affine([[1 << 60]] * 3, [[1]] * 3), (IMAGE,), "shift 2 of sums of 69 bits; at most 62 are accepted"),
    (SumPool(**ONE, taps=2), (IMAGE,), "windows of 3 elements are not 2 taps of equal size"),
    (GlobalSum(**ONE), (VECTOR,), r"GlobalSum takes a stream \(H, W, C\), not \(3,\)"),
]


@pytest.mark.parametrize(("node", "ins", "message"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_what_does_not_fit_is_refused_by_name(node, ins, message) -> None:
    with pytest.raises(BadInputError, match=f"^node n: {message}"):
        node.infer(ins)


def test_lanes_that_do_not_divide_are_refused() -> None:
    for node, ins in ((Add(**TWO, out_type=S8, lanes=2), (IMAGE, IMAGE)), (affine([[1]] * 3, [[1]] * 3, lanes=2), (IMAGE,))):
        with pytest.raises(FoldingError, match="node n: lanes 2 does not divide 3"):
            node.infer(ins)
