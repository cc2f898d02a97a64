"""Files whose tensors branch and meet: residual blocks on power-of-two grids, and what stands around them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from xnorflow.hw.lowering import lower
from xnorflow.hw.nodes import Add, Affine

STREAM = {"scale": 0.25, "bits": 9, "mode": "FLOOR"}


@pytest.fixture
def residual(net, rng):
    """A stem, then blocks that a test adds; ``close`` ends the network in the mean pixel and a linear layer."""

    class Residual(net):
        def grid(self, shape, bits, span):
            """Random values on a grid of so many fraction bits."""
            return self.const(rng.integers(-span, span + 1, shape) * 2.0**-bits)

        def affine(self, source, channels, scale=3, **quant):
            x = self.node("Mul", source, self.grid((1, channels, 1, 1), 9, 1 << scale + 5))
            return self.quant(self.node("Add", x, self.grid((1, channels, 1, 1), 6, 99)), **(STREAM | quant))

        def stem(self, channels=4):
            weights = self.quant(self.const(rng.normal(size=(channels, self.shape[0], 3, 3)) / 2), 2.0**-7, 8, narrow=1)
            pixels = self.quant("image", 2.0**-8, 8, signed=0)
            return self.affine(self.node("Conv", pixels, weights, kernel_shape=[3, 3], pads=[1] * 4), channels)

        def branch(self, source, channels, out, stride=1):
            signs = self.sign(self.node("Add", source, self.grid((1, channels, 1, 1), 2, 9)))
            padded = self.node("Pad", signs, self.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), self.const(-1.0), mode="constant")
            sums = self.node("Conv", padded, self.weights(rng, (out, channels, 3, 3)), kernel_shape=[3, 3], strides=[stride] * 2)
            return self.affine(sums, out, scale=4)

        def close(self, source, channels):
            mean = self.affine(self.node("GlobalAveragePool", source), channels, bits=8)
            return self.node("MatMul", self.node("Flatten", mean), self.node("Transpose", self.weights(rng, (3, channels))))

    return Residual((2, 8, 8))


def test_a_residual_block_becomes_integer_sums_and_slopes(residual, assert_exact):
    x = residual.stem()
    for _ in range(2):
        x = residual.quant(residual.node("Add", residual.branch(x, 4, 4), x), **STREAM)
    residual.close(x, 4)
    lowered = lower(residual.model())
    assert_exact(lowered, residual.model())
    ops = Counter(node.op for node in lowered.graph.nodes)
    assert (ops["Add"], ops["Affine"], ops["XnorMatVec"]) == (2, 3, 2)
    assert {node.out_type.name for node in lowered.graph.nodes if isinstance(node, Add)} == {"INT9"}


def test_a_sum_that_is_not_quantised_again_grows_by_a_bit(residual, assert_exact):
    x = residual.stem()
    x = residual.node("Add", residual.branch(x, 4, 4), x)
    x = residual.quant(residual.node("Add", residual.branch(x, 4, 4), x), **STREAM)
    residual.close(x, 4)
    lowered = lower(residual.model())
    assert_exact(lowered, residual.model())
    assert sorted(node.out_type.bits for node in lowered.graph.nodes if isinstance(node, Add)) == [9, 10]


def test_a_quantiser_of_another_grid_behind_a_sum_is_a_slope_of_its_own(residual, assert_exact):
    x = residual.stem()
    x = residual.quant(residual.node("Add", residual.branch(x, 4, 4), x), scale=1.0, bits=7, mode="FLOOR")
    residual.close(x, 4)
    lowered = lower(residual.model())
    assert_exact(lowered, residual.model())
    assert any(isinstance(node, Affine) and node.shift == 2 and np.all(node.mul == 1) for node in lowered.graph.nodes)


@pytest.mark.parametrize("shape", ["PRelu", "LeakyRelu", "shifted PRelu"])
def test_a_bend_behind_a_sum_is_an_affine_of_two_pieces(residual, rng, assert_exact, shape):
    x = residual.stem()
    x = residual.node("Add", residual.branch(x, 4, 4), x)
    if shape == "LeakyRelu":
        x = residual.node("LeakyRelu", x, alpha=0.125)
    else:
        before = residual.node("Add", x, residual.grid((1, 4, 1, 1), 2, 40)) if shape != "PRelu" else x
        x = residual.node("PRelu", before, residual.const(rng.integers(0, 99, (4, 1, 1)) / 64))
        x = residual.node("Add", x, residual.grid((1, 4, 1, 1), 5, 40)) if shape != "PRelu" else x
    residual.close(residual.quant(x, **STREAM), 4)
    lowered = lower(residual.model())
    assert_exact(lowered, residual.model())
    assert sum(isinstance(node, Affine) and node.pieces == 2 for node in lowered.graph.nodes) == 1


def test_a_stream_halves_through_an_average_and_real_weights(residual, rng, assert_exact):
    x = residual.stem()
    weights = residual.quant(residual.const(rng.normal(size=(8, 4, 1, 1)) / 2), 2.0**-6, 8, narrow=1)
    mean = residual.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    short = residual.affine(residual.node("Conv", mean, weights, kernel_shape=[1, 1]), 8)
    x = residual.quant(residual.node("Add", residual.branch(x, 4, 8, stride=2), short), **STREAM)
    residual.close(x, 8)
    assert_exact(lower(residual.model()), residual.model())


def test_a_stream_halves_through_every_other_pixel_and_channels_of_zeros(residual, assert_exact):
    x = residual.stem()
    kept = residual.node("MaxPool", x, kernel_shape=[1, 1], strides=[2, 2])
    short = residual.node("Pad", kept, residual.const([0, 2, 0, 0, 0, 2, 0, 0], np.int64), mode="constant")
    x = residual.quant(residual.node("Add", residual.branch(x, 4, 8, stride=2), short), **STREAM)
    residual.close(x, 8)
    assert_exact(lower(residual.model()), residual.model())


def test_the_sum_of_all_pixels_may_be_written_as_such(residual, rng, assert_exact):
    x = residual.stem()
    total = residual.affine(residual.node("ReduceSum", x, residual.const([2, 3], np.int64), keepdims=1), 4, bits=12)
    residual.node("MatMul", residual.node("Flatten", total), residual.node("Transpose", residual.weights(rng, (3, 4))))
    assert_exact(lower(residual.model()), residual.model())


def test_a_stream_that_three_nodes_read_branches_in_integers(residual, rng, assert_exact):
    x = residual.stem()
    both = residual.quant(residual.node("Add", residual.branch(x, 4, 4), residual.branch(x, 4, 4)), **STREAM)
    residual.close(residual.quant(residual.node("Add", both, x), **STREAM), 4)
    assert_exact(lower(residual.model()), residual.model())


def test_a_tensor_added_to_itself_is_twice_it(residual, assert_exact):
    x = residual.stem()
    residual.close(residual.quant(residual.node("Add", x, x), **STREAM), 4)
    assert_exact(lower(residual.model()), residual.model())
