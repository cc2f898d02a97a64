"""Pools work on bits wherever the next layer can take the signs, and the network stays the same."""

import numpy as np
import pytest

from xnorflow.hw.lowering import lower

GAMMA = np.array([1.0, -2.0, 0.5, -0.25, 3.0]).reshape(1, 5, 1, 1)


@pytest.fixture
def pooled(net, rng):
    """A convolution, a pool, gammas of both signs, a quantiser; a function of what follows."""

    def make(quantise, follow, pads=(0, 0, 0, 0)):
        n = net((2, 8, 8))
        x = n.node("Conv", n.sign(n.node("Sub", "image", n.const(0.5))), n.weights(rng, (5, 2, 3, 3)), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        x = n.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], pads=list(pads))
        x = quantise(n, n.node("Mul", n.node("Sub", x, n.const(3.5)), n.const(GAMMA)))
        x = n.node("Flatten", follow(n, x, rng))
        columns = int(np.prod(n.columns))
        n.node("MatMul", x, n.node("Transpose", n.weights(rng, (3, columns))))
        return n.model()

    return make


def sign(n, x):
    return n.sign(x)


def nothing(n, x, rng):
    n.columns = (5, 4, 4)
    return x


def padded_conv(n, x, rng):
    n.columns = (4, 4, 4)
    return n.sign(n.node("Conv", x, n.weights(rng, (4, 5, 3, 3)), kernel_shape=[3, 3], pads=[1, 1, 1, 1]))


def framed_conv(n, x, rng):
    n.columns = (4, 4, 4)
    x = n.node("Pad", x, n.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), n.const(1.0))
    return n.sign(n.node("Conv", x, n.weights(rng, (4, 5, 3, 3)), kernel_shape=[3, 3]))


def second_pool(n, x, rng):
    n.columns = (5, 2, 2)
    return n.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])


def pool_types(lowered):
    return [lowered.graph.streams[n.outputs[0]].dtype.bits for n in lowered.graph.nodes if n.op == "MaxPool"]


@pytest.mark.parametrize("follow", [nothing, padded_conv, framed_conv])
@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 0, 0)])
def test_gammas_of_both_signs_pool_on_one_bit(pooled, assert_exact, follow, pads):
    model = pooled(sign, follow, pads)
    lowered = lower(model)
    assert pool_types(lowered) == [1]
    assert not any(np.any(n.negate) for n in lowered.graph.nodes if n.op == "Threshold")
    assert_exact(lowered, model)


def test_a_second_pool_cannot_take_a_sign(pooled, assert_exact):
    model = pooled(sign, second_pool)
    lowered = lower(model)
    assert pool_types(lowered) == [6, 1]
    assert_exact(lowered, model)


def test_a_decreasing_code_of_two_bits_stays_behind_its_pool(pooled, assert_exact):
    model = pooled(lambda n, x: n.quant(x, 1.0, 2, signed=0), nothing)
    lowered = lower(model)
    assert pool_types(lowered) == [6]
    assert_exact(lowered, model)


def test_an_increasing_code_of_two_bits_comes_before_its_pool(pooled, assert_exact):
    model = pooled(lambda n, x: n.quant(n.node("Mul", x, n.const(np.sign(GAMMA))), 1.0, 2, signed=0), nothing)
    lowered = lower(model)
    assert pool_types(lowered) == [2]
    assert_exact(lowered, model)
