"""Products, gates, concatenations and sigmoids of files on power-of-two grids."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.lowering import lower
from xnorflow.hw.nodes import Affine, ChannelGate, Concat, Multiply, Table


@pytest.fixture
def grid_net(net, rng):
    """Tensors on grids to join, and an end that reads them."""

    class GridNet(net):
        def tensor(self, channels=4, bits=8, scale=0.25, signed=1):
            """A convolution of the pixels on a grid."""
            weights = self.quant(self.const(rng.normal(size=(channels, self.shape[0], 3, 3)) / 2), 2.0**-7, 8, narrow=1)
            pixels = self.quant("image", 2.0**-8, 8, signed=0)
            sums = self.node("Conv", pixels, weights, kernel_shape=[3, 3], pads=[1] * 4)
            sums = self.node("Mul", sums, self.const(rng.integers(-99, 100, (1, channels, 1, 1)) / 8))
            return self.quant(sums, scale, bits, signed=signed, mode="FLOOR")

        def gate(self, source, channels=4, bits=8, offset=2.0**-9):
            """Squeeze, excite, sigmoid."""
            total = self.node("ReduceSum", source, self.const([2, 3], np.int64), keepdims=1)
            mean = self.quant(self.node("Mul", total, self.const(2.0**-4)), 2.0**-3, bits, mode="FLOOR")
            weights = self.quant(self.const(rng.normal(size=(channels, channels, 1, 1))), 2.0**-3, 4, narrow=1)
            excited = self.quant(self.node("Conv", mean, weights, kernel_shape=[1, 1]), 2.0**-4, bits, mode="FLOOR")
            sigmoid = self.node("Add", self.node("Sigmoid", excited), self.const(offset))
            return self.quant(sigmoid, 2.0**-8, 8, signed=0, mode="FLOOR")

        def close(self, source, channels=4):
            flat = self.node("Flatten", source)
            return self.node("MatMul", flat, self.node("Transpose", self.weights(rng, (3, 16 * channels))))

    return GridNet((2, 4, 4))


def ops(lowered):
    return Counter(node.op for node in lowered.graph.nodes)


def only(lowered, kind):
    (node,) = (node for node in lowered.graph.nodes if isinstance(node, kind))
    return node


def test_a_product_of_two_tensors_has_the_grid_of_both(grid_net, assert_exact):
    x = grid_net.node("Mul", grid_net.tensor(bits=5, scale=0.5), grid_net.tensor(bits=4, scale=0.25))
    grid_net.close(grid_net.quant(x, 0.125, 9, mode="FLOOR"))
    lowered = lower(grid_net.model())
    assert_exact(lowered, grid_net.model())
    product = only(lowered, Multiply)
    assert (product.shift, product.out_type.name) == (0, "INT9")


def test_a_quantiser_that_drops_bits_is_the_shift_of_the_product(grid_net, assert_exact):
    x = grid_net.node("Mul", grid_net.tensor(), grid_net.tensor())
    grid_net.close(grid_net.quant(x, 2.0, 8, mode="FLOOR"))
    lowered = lower(grid_net.model())
    assert_exact(lowered, grid_net.model())
    product = only(lowered, Multiply)
    assert (product.shift, product.out_type.name) == (5, "INT8")


def test_half_a_step_in_front_of_the_quantiser_is_an_affine_behind_the_product(grid_net, assert_exact):
    x = grid_net.node("Mul", grid_net.tensor(), grid_net.tensor())
    grid_net.close(grid_net.quant(grid_net.node("Add", x, grid_net.const(np.full((1, 4, 1, 1), 1.0))), 2.0, 8, mode="FLOOR"))
    lowered = lower(grid_net.model())
    assert_exact(lowered, grid_net.model())
    assert only(lowered, Multiply).shift == 0
    behind = [node for node in lowered.graph.nodes if isinstance(node, Affine)][-1]
    assert (behind.shift, behind.add.ravel().tolist()) == (5, [16] * 4)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_gate_multiplies_every_pixel_by_a_table_of_the_sigmoid(grid_net, assert_exact, swapped):
    x = grid_net.tensor()
    pair = (x, grid_net.gate(x))
    x = grid_net.node("Mul", *(reversed(pair) if swapped else pair))
    grid_net.close(grid_net.quant(x, 0.25, 8, mode="FLOOR"))
    lowered = lower(grid_net.model())
    assert_exact(lowered, grid_net.model())
    assert (only(lowered, ChannelGate).shift, only(lowered, Table).values.shape) == (8, (1, 256))


def test_a_product_of_a_tensor_by_itself_is_its_square(grid_net, assert_exact):
    x = grid_net.tensor(bits=6)
    grid_net.close(grid_net.quant(grid_net.node("Mul", x, x), 0.25, 8, mode="FLOOR"))
    assert_exact(lower(grid_net.model()), grid_net.model())


def test_products_of_three_tensors_multiply_twice(grid_net, assert_exact):
    x = grid_net.node("Mul", grid_net.node("Mul", grid_net.tensor(bits=4), grid_net.tensor(bits=5)), grid_net.tensor(bits=4))
    grid_net.close(grid_net.quant(x, 1.0, 8, mode="FLOOR"))
    lowered = lower(grid_net.model())
    assert_exact(lowered, grid_net.model())
    assert ops(lowered)["Multiply"] == 2


def test_channels_of_two_tensors_stand_side_by_side(grid_net, assert_exact):
    x = grid_net.node("Concat", grid_net.tensor(3), grid_net.tensor(3), axis=1)
    signs = grid_net.sign(grid_net.node("Add", x, grid_net.const(np.arange(6).reshape(1, 6, 1, 1) / 4)))
    grid_net.close(signs, 6)
    lowered = lower(grid_net.model())
    assert_exact(lowered, grid_net.model())
    assert only(lowered, Concat).inputs[0] != only(lowered, Concat).inputs[1]


def refused(grid_net, tensor, *words):
    grid_net.close(grid_net.quant(tensor, 0.25, 8, mode="FLOOR"))
    with pytest.raises(UnsupportedModelError) as error:
        lower(grid_net.model())
    assert all(word in str(error.value) for word in words), error.value
    assert "\n" not in str(error.value)


def test_a_scale_that_is_no_power_of_two_is_refused(grid_net):
    x = grid_net.node("Mul", grid_net.tensor(scale=0.3), grid_net.tensor(), name="own")
    refused(grid_net, x, "node own: multiplies tensors of scales 0.3 and 0.25", "integerise")


def test_products_beyond_float32_are_refused(grid_net):
    x = grid_net.node("Mul", grid_net.tensor(bits=14), grid_net.tensor(bits=13), name="own")
    refused(grid_net, x, "node own: products of -", "float32 holds up to 16777216 exactly")


def test_a_product_in_floating_point_names_integerise(grid_net):
    real = grid_net.node("Mul", grid_net.tensor(), grid_net.const(np.reshape([0.3, 0.1, 0.2, 3.0], (1, 4, 1, 1))))
    x = grid_net.node("Mul", real, grid_net.tensor(), name="own")
    refused(grid_net, x, "node own: multiplies", "a product in floating point", "integerise")


@pytest.mark.parametrize(("other", "words"), [({"channels": 2}, "2 channels"), ({"scale": 0.5}, "of scale 0.5"), ({"bits": 6}, "INT6")])
def test_unequal_parts_of_a_concatenation_are_refused(grid_net, other, words):
    x = grid_net.node("Concat", grid_net.tensor(), grid_net.tensor(**other), axis=1, name="own")
    grid_net.close(grid_net.quant(x, 0.25, 8, mode="FLOOR"), 6 if "channels" in other else 8)
    with pytest.raises(UnsupportedModelError, match="node own: joins") as error:
        lower(grid_net.model())
    assert words in str(error.value)


def test_rows_are_not_concatenated(grid_net):
    x = grid_net.node("Concat", grid_net.tensor(2), grid_net.tensor(2), axis=2, name="own")
    refused(grid_net, x, "node 'own': Concat over axis 2")


def test_a_gate_of_other_channels_is_refused(grid_net):
    x = grid_net.tensor()
    column = grid_net.quant(grid_net.node("MaxPool", x, kernel_shape=[4, 1]), 0.25, 8, mode="FLOOR")
    refused(
        grid_net,
        grid_net.node("Mul", x, column, name="own"),
        "node 'own': Mul of tensors of shapes (1, 4, 4, 4) and (1, 4, 1, 4)",
        "a gate (1, C, 1, 1)",
    )


def test_a_sigmoid_too_near_to_a_jump_is_refused(grid_net):
    x = grid_net.tensor()
    refused(grid_net, grid_net.node("Mul", x, grid_net.gate(x, offset=0.0)), "its sigmoid comes so near to where the quantiser jumps")


def test_a_sigmoid_at_the_end_is_refused(grid_net):
    grid_net.node("Sigmoid", grid_net.close(grid_net.tensor()))
    with pytest.raises(UnsupportedModelError, match="a Sigmoid at the end"):
        lower(grid_net.model())
