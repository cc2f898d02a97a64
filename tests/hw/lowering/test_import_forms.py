"""The forms in which exporters write the same network, each lowered exactly."""

from fractions import Fraction

import numpy as np
import onnx
import pytest
from onnx import helper

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.lowering import lower
from xnorflow.pixels import PixelNorm


def ops(lowered):
    return [n.op for n in lowered.graph.nodes]


def test_mlp_with_transposed_weights_and_gemm_bias(net, rng, assert_exact):
    n = net((1, 3, 5))
    x = n.node("Flatten", n.quant("image", 1 / 128, 8), axis=1)
    x = n.node("MatMul", x, n.node("Transpose", n.weights(rng, (7, 15), 0.25), perm=[1, 0]))
    x = n.sign(n.node("Add", n.node("Mul", x, n.const(rng.normal(size=7))), n.const(rng.normal(size=7))))
    n.node("Gemm", x, n.weights(rng, (3, 7)), n.const([1, -2, 3]), transB=1)
    lowered = lower(n.model())
    assert ops(lowered) == ["Table", "Flatten", "IntMatVec", "Threshold", "XnorMatVec"]
    assert_exact(lowered, n.model())


def test_affine_input_quantiser_costs_no_node(net, rng, assert_exact):
    n = net((1, 4, 4), norm=PixelNorm(PixelNorm().scale, (128 / 255,), (128 / 255,)))
    x = n.node("Conv", n.quant("image", 1 / 128, 8), n.weights(rng, (3, 1, 3, 3)), pads=[1, 1, 1, 1], kernel_shape=[3, 3])
    x = n.node("Flatten", n.sign(n.node("Sub", x, n.const(0.3))))
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (2, 48))))
    lowered = lower(n.model())
    assert ops(lowered)[:4] == ["Pad", "SlidingWindow", "IntMatVec", "Threshold"]
    assert lowered.graph.nodes[0].value.tolist() == [128]
    assert_exact(lowered, n.model())


def test_shape_gather_unsqueeze_concat_reshape_flattening(net, rng, assert_exact):
    n = net((2, 3, 3))
    x = n.sign(n.node("Sub", "image", n.const(0.4)))
    batch = n.node("Gather", n.node("Shape", x), n.const(0, np.int64), axis=0)
    target = n.node("Concat", n.node("Unsqueeze", batch, n.const([0], np.int64)), n.const([-1], np.int64), axis=0)
    n.node("MatMul", n.node("Reshape", x, target), n.node("Transpose", n.weights(rng, (4, 18))))
    assert_exact(lower(n.model()), n.model())


def test_opset_9_with_initialisers_listed_as_inputs_and_an_old_domain(net, rng, assert_exact):
    n = net((1, 4, 4), opset=9)
    n.domain = "finn.custom_op.general"
    x = n.node("Pad", n.sign(n.node("Sub", "image", n.const(0.5))), mode="constant", pads=[0, 0, 1, 0, 0, 0, 1, 2], value=1.0)
    x = n.node("Conv", x, n.weights(rng, (3, 1, 3, 3)), kernel_shape=[3, 3])
    x = n.node("Dropout", n.node("Clip", x, min=-2.0, max=2.0))
    x = n.node("Flatten", n.sign(x), axis=1)
    n.node("Gemm", x, n.weights(rng, (2, 48)), n.const([0, 0]), transB=1)
    n.constants.append(onnx.numpy_helper.from_array(np.zeros(1, np.float32), "unused"))
    n.inputs = [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in n.constants]
    assert_exact(lower(n.model()), n.model())


def test_output_normalisation_of_old_exports_becomes_the_host_tail(net, rng, assert_exact):
    n = net((1, 2, 4), opset=9)
    x = n.node("Flatten", n.sign(n.node("Sub", "image", n.const(0.5))))
    x = n.node("MatMul", x, n.node("Transpose", n.weights(rng, (3, 8))))
    x = n.node("Sub", x, n.const(0.7))
    deviation = n.node("Pow", n.node("Add", n.const(5.3), n.const(1e-5)), n.const(0.5))
    n.node("Add", n.node("Mul", n.node("Div", x, deviation), n.const(1.25)), n.const(-0.5))
    lowered = lower(n.model())
    assert [s.kind.value for s in lowered.tail.steps] == ["sub", "div", "mul", "add"]
    assert_exact(lowered, n.model())


def test_qkeras_export_with_nhwc_input(net, rng, assert_exact, logits):
    n = net((5, 6, 3))
    x = n.node("Transpose", n.quant("image", 1 / 128, 8), perm=[0, 3, 1, 2])
    weights = n.quant(n.const(rng.uniform(-1, 1, (4, 3, 3, 3))), 0.5, 2, narrow=0, mode="HALF_EVEN")
    x = n.node("Conv", x, weights, auto_pad="SAME_UPPER", kernel_shape=[3, 3], strides=[2, 2])
    x = n.node("Relu", n.node("Add", x, n.const(rng.normal(size=(1, 4, 1, 1)))))
    x = n.node("Transpose", n.quant(x, 0.25, 3, signed=0), perm=[0, 2, 3, 1])
    x = n.node("Reshape", x, n.const([-1, 36], np.int64))
    dense = n.quant(n.const(rng.uniform(-1, 1, (36, 3))), 0.25, 3)
    n.node("MatMul", x, dense)
    lowered = lower(n.model())
    assert lowered.graph.inputs["pixels"].shape == (5, 6, 3)
    assert_exact(lowered, n.model())


@pytest.mark.parametrize("groups", [2, 4])
def test_grouped_convolution_becomes_a_dense_one_with_zeros(net, rng, assert_exact, groups):
    n = net((4, 4, 5))
    x = n.sign(n.node("Sub", "image", n.const(0.5)))
    x = n.node("Conv", x, n.weights(rng, (4, 4 // groups, 3, 3)), group=groups, pads=[1, 0, 1, 0], kernel_shape=[3, 3])
    x = n.node("Flatten", n.sign(x))
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (2, 48))))
    lowered = lower(n.model())
    assert "IntMatVec" in ops(lowered)
    assert_exact(lowered, n.model())


@pytest.mark.parametrize("outputs", [1, 2])
def test_trunc_is_a_threshold(net, rng, assert_exact, outputs):
    n = net((1, 2, 4))
    x = n.node("Flatten", n.quant("image", 1 / 256, 8, signed=0), axis=1)
    x = n.node("Trunc", x, n.const(1 / 256), n.const(0.0), n.const(8.0), n.const(2.0), rounding_mode=("FLOOR", "ROUND")[outputs - 1])
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (3, 8))))
    assert_exact(lower(n.model()), n.model())


def test_weights_that_are_quantised_numbers_without_a_quant_node(net, rng, assert_exact):
    n = net((1, 2, 4))
    x = n.node("Flatten", n.sign(n.node("Sub", "image", n.const(0.5))))
    x = n.node("MatMul", x, n.const(np.where(rng.normal(size=(8, 5)) > 0, 0.5, -0.5)))
    n.node("Gemm", n.sign(n.node("Add", x, n.const(0.1))), n.const(rng.integers(-3, 4, (5, 3))))
    lowered = lower(n.model())
    assert ops(lowered) == ["Threshold", "Flatten", "XnorMatVec", "Threshold", "IntMatVec"]
    assert_exact(lowered, n.model())


def test_topk_of_the_file_reads_integers(net, rng, logits):
    n = net((1, 2, 4))
    x = n.node("Flatten", n.sign(n.node("Sub", "image", n.const(0.5))))
    x = n.node("Mul", n.node("MatMul", x, n.node("Transpose", n.weights(rng, (5, 8)))), n.const(0.125))
    n.node("TopK", x, n.const([1], np.int64), axis=-1, largest=1, sorted=1, outputs=2)
    model = n.model(kind=onnx.TensorProto.INT64, out_shape=(1, 1))
    lowered = lower(model)
    assert ops(lowered)[-1] == "ArgMax"
    assert lowered.notes["head"] == "argmax"
    ours, theirs = logits(lowered, model, rng.integers(0, 256, (64, 2, 4, 1)))
    assert np.array_equal(ours, theirs)
    assert len(set(ours.ravel().tolist())) > 1


def test_argmax_head_is_refused_where_the_tail_reorders_classes(net, rng):
    n = net((1, 2, 4))
    x = n.node("Flatten", n.sign(n.node("Sub", "image", n.const(0.5))))
    x = n.node("MatMul", x, n.node("Transpose", n.weights(rng, (5, 8))))
    n.node("Mul", x, n.const(rng.normal(size=5)))
    with pytest.raises(UnsupportedModelError, match="keep logits as the head"):
        lower(n.model(), head="argmax")


def test_argmax_head_is_the_label_of_the_logits(net, rng, logits):
    n = net((1, 2, 4))
    x = n.node("Flatten", n.sign(n.node("Sub", "image", n.const(0.5))))
    n.node("Mul", n.node("MatMul", x, n.node("Transpose", n.weights(rng, (5, 8)))), n.const(0.3))
    lowered = lower(n.model(), head="argmax")
    ours, theirs = logits(lowered, n.model(), rng.integers(0, 256, (64, 2, 4, 1)))
    assert np.array_equal(ours[:, 0], theirs.argmax(axis=1))


def test_normalisation_without_quantiser_folds_into_the_first_layer(net, rng, logits):
    n = net((3, 5, 5), norm=PixelNorm(mean=(0.5,), std=(0.25,)))
    x = n.node("Conv", "image", n.weights(rng, (4, 3, 3, 3)), kernel_shape=[3, 3])
    x = n.node("Flatten", n.sign(n.node("Add", x, n.const(0.37))))
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (3, 36))))
    lowered = lower(n.model())
    assert ops(lowered)[0] == "SlidingWindow"
    assert not lowered.notes["float_exact"]
    ours, theirs = logits(lowered, n.model(), rng.integers(0, 256, (64, 5, 5, 3)))
    assert np.array_equal(ours, theirs)


def test_zero_padding_that_is_no_pixel_is_refused(net, rng):
    n = net((1, 5, 5), norm=PixelNorm(mean=(0.1307,), std=(0.3081,)))
    x = n.node("Conv", "image", n.weights(rng, (4, 1, 3, 3)), kernel_shape=[3, 3], pads=[1, 1, 1, 1], name="stem")
    n.node("MatMul", n.node("Flatten", n.sign(x)), n.node("Transpose", n.weights(rng, (2, 100))))
    with pytest.raises(UnsupportedModelError, match=r"node stem.*no integer pixel.*add an input quantiser"):
        lower(n.model())


def test_pixel_norm_argument_beats_the_files_record(net, rng):
    n = net((1, 2, 2), norm=PixelNorm(mean=(0.5,)))
    n.node("MatMul", n.node("Flatten", n.sign("image")), n.node("Transpose", n.weights(rng, (2, 4))))
    assert lower(n.model()).pixel_norm == PixelNorm(mean=(0.5,))
    assert lower(n.model(), pixel_norm=PixelNorm()).pixel_norm == PixelNorm()
    n.norm = None
    assert lower(n.model()).pixel_norm == PixelNorm()


def test_names_that_would_be_code_or_paths_become_identifiers(net, rng, assert_exact):
    n = net((1, 2, 4))
    x = n.node("Flatten", n.sign(n.node("Sub", "image", n.const(0.5), name="../x"), name="a; $finish"), name="größe")
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (3, 8))), name="../x")
    model = n.model()
    lowered = lower(model)
    for name in [*lowered.graph.streams, *(node.name for node in lowered.graph.nodes)]:
        assert name.isascii()
        assert name.isidentifier()
        assert len(name) <= 60
    assert "'a; $finish'" in lowered.notes["names"].values()
    assert_exact(lowered, model)


def test_padding_with_a_pixel_that_does_not_exist_uses_the_border_table(net, rng, assert_exact):
    n = net((1, 5, 4), norm=PixelNorm(Fraction(1, 256), (-20 / 256,)))
    x = n.node("Conv", "image", n.weights(rng, (3, 1, 3, 3)), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    n.node("MatMul", n.node("Flatten", n.sign(n.node("Sub", x, n.const(0.3)))), n.node("Transpose", n.weights(rng, (2, 60))))
    lowered = lower(n.model())
    assert lowered.graph.nodes[0].value.tolist() == [0]
    assert lowered.graph.nodes[2].border is not None
    assert_exact(lowered, n.model())


@pytest.mark.parametrize("op", ["AveragePool", "GlobalAveragePool"])
def test_average_pooling_over_four_pixels_is_exact(net, rng, assert_exact, op):
    n = net((2, 4, 4) if op == "AveragePool" else (2, 2, 2))
    x = n.quant("image", 1 / 256, 3, signed=0)
    x = n.node(op, x, **({"kernel_shape": [2, 2], "strides": [2, 2]} if op == "AveragePool" else {}))
    x = n.node("Flatten", n.quant(x, 1 / 512, 3, signed=0))
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (3, 8 if op == "AveragePool" else 2))))
    assert_exact(lower(n.model()), n.model())


def test_a_flat_input_is_an_image_of_one_pixel(net, rng, assert_exact):
    n = net((12,))
    n.node("MatMul", n.sign(n.node("Sub", "image", n.const(0.5))), n.node("Transpose", n.weights(rng, (3, 12))))
    lowered = lower(n.model())
    assert lowered.graph.inputs["pixels"].shape == (1, 1, 12)
    assert_exact(lowered, n.model())


@pytest.mark.parametrize("ceil_mode", [0, 1])
def test_overlapping_padded_pools_on_accumulators(net, rng, assert_exact, ceil_mode):
    n = net((1, 6, 7))
    x = n.node("Conv", n.sign(n.node("Sub", "image", n.const(0.5))), n.weights(rng, (3, 1, 3, 3)), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    x = n.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 0, 1], ceil_mode=ceil_mode)
    x = n.sign(n.node("Mul", n.node("Sub", x, n.const(2.5)), n.const(np.array([1.0, -1.0, 0.5]).reshape(1, 3, 1, 1))))
    x = n.node("Flatten", x)
    columns = 3 * 3 * (4 if ceil_mode else 3)
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (2, columns))))
    assert_exact(lower(n.model()), n.model())


@pytest.mark.parametrize("opset", [9, 11, 13, 14, 15, 17, 18, 20])
def test_each_opset_gives_the_same_network(net, rng, assert_exact, opset):
    n = net((3, 7, 6), opset=opset)
    x = n.node("Conv", n.quant("image", 1 / 64, 6), n.weights(rng, (4, 3, 3, 3)), kernel_shape=[3, 3], strides=[2, 1], pads=[1, 1, 1, 1])
    constants = [n.const(c) for c in (rng.normal(size=4), rng.normal(size=4), rng.normal(size=4), rng.uniform(1, 9, 4))]
    x = n.node("Relu", n.node("BatchNormalization", x, *constants, epsilon=1e-4))
    x = n.node("MaxPool", n.quant(x, 0.5, 2, signed=0), kernel_shape=[2, 2], strides=[2, 2])
    n.node("Gemm", n.node("Flatten", x), n.weights(rng, (3, 24)), n.const([1, 2, -1]), transB=1)
    assert_exact(lower(n.model()), n.model())


def test_mean_and_std_of_each_channel_go_into_a_table(net, rng, assert_exact):
    n = net((3, 4, 4), norm=PixelNorm(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)))
    x = n.node("Conv", n.quant("image", 1 / 32, 8), n.weights(rng, (2, 3, 3, 3)), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    n.node("MatMul", n.node("Flatten", n.sign(x)), n.node("Transpose", n.weights(rng, (3, 32))))
    lowered = lower(n.model())
    assert lowered.graph.nodes[0].op == "Table"
    assert lowered.graph.nodes[0].values.shape == (3, 256)
    assert_exact(lowered, n.model())


def test_quantisers_that_follow_each_other_stay_two(net, rng, assert_exact):
    n = net((1, 2, 4))
    x = n.quant(n.quant(n.node("Flatten", "image"), 1 / 16, 4, signed=0), 1 / 4, 2, signed=0)
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (3, 8))))
    assert_exact(lower(n.model()), n.model())


@pytest.mark.parametrize("mode", ["ROUND", "HALF_EVEN", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN"])
def test_every_rounding_mode_of_a_quantiser(net, rng, assert_exact, mode):
    n = net((1, 3, 4))
    x = n.node("MatMul", n.node("Flatten", n.quant("image", 1 / 8, 3, signed=0)), n.node("Transpose", n.weights(rng, (6, 12), 0.25)))
    x = n.quant(n.node("Sub", x, n.const(0.25)), 0.5, 3, mode=mode)
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (3, 6))))
    assert_exact(lower(n.model()), n.model())


@pytest.mark.parametrize("zero", [-3.0, 2.0])
def test_an_integer_zero_point_is_folded_into_the_codes(net, rng, assert_exact, zero):
    n = net((1, 4, 4))
    x = n.quant("image", 1 / 16, 4, signed=1, zero=zero)
    x = n.node("Conv", x, n.weights(rng, (2, 1, 3, 3)), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    n.node("MatMul", n.node("Flatten", n.sign(x)), n.node("Transpose", n.weights(rng, (3, 32))))
    assert_exact(lower(n.model()), n.model())
