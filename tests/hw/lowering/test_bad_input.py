"""What is not a network that hardware can compute is refused in one line that names where and what is accepted."""

import numpy as np
import onnx
import pytest
from onnx import helper

from xnorflow.errors import BadInputError, UnsupportedModelError, XnorflowError
from xnorflow.hw.lowering import lower, qonnx_execute
from xnorflow.hw.random_networks import draw


def refused(model, pattern, kind=UnsupportedModelError):
    with pytest.raises(kind, match=pattern) as caught:
        lower(model)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.fixture
def mlp(net, rng):
    """A good network: sign, MatMul, and a last node to replace."""
    n = net((1, 2, 4))
    n.flat = n.node("Flatten", n.sign("image"))
    n.sums = n.node("MatMul", n.flat, n.node("Transpose", n.weights(rng, (3, 8))))
    return n


@pytest.mark.parametrize("content", [b"not a model", b"\x00" * 64, b"\x08\x08\x12\x04abcd\x3a\xff\xff\xff\xff\x0f"])
def test_a_file_of_another_format_is_refused(tmp_path, content):
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    refused(path, r"x\.onnx: ", BadInputError)


def test_an_empty_and_a_missing_file_are_refused(tmp_path):
    (tmp_path / "empty.onnx").touch()
    refused(tmp_path / "empty.onnx", "the file is empty", BadInputError)
    refused(tmp_path / "none.onnx", "no such file", BadInputError)
    refused(tmp_path, "no such file", BadInputError)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, mlp, part):
    raw = mlp.model().SerializeToString()
    (tmp_path / "cut.onnx").write_bytes(raw[: int(len(raw) * part)])
    refused(tmp_path / "cut.onnx", r"cut\.onnx: ", BadInputError)


def test_an_initialiser_that_claims_more_than_it_holds_is_refused(mlp):
    model = mlp.model()
    model.graph.initializer[0].dims[:] = [1 << 20, 1 << 20]
    refused(model, "initialiser 'c0' cannot be read", BadInputError)
    model.graph.initializer[0].dims[:] = [3, 3]
    refused(model, "initialiser 'c0' cannot be read", BadInputError)


def test_a_huge_image_is_refused_before_anything_is_computed(net):
    n = net((1, 1 << 20, 1 << 20))
    n.sign("image")
    refused(n.model(), "elements; at most")


def test_an_unsupported_operator_is_named_with_what_is_accepted(mlp):
    mlp.node("Softmax", mlp.sums, name="probabilities")
    refused(mlp.model(), r"node 'probabilities': operator Softmax is not supported; accepted are Add, .*Transpose")


@pytest.mark.parametrize("dims", [["N", 1, 2, 4], [1, 1, "h", 4], [2, 1, 2, 4], [1, 1, 1, 2, 4], []])
def test_a_dynamic_shape_or_batch_is_refused(mlp, dims):
    model = mlp.model()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, dims))
    refused(model, "input 'image' has .*accepted")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(net, rng, bad):
    n = net((1, 2, 4))
    values = rng.normal(size=(3, 8))
    values[1, 2] = bad
    weights = n.sign(n.const(values, name="fc.weight"))
    n.node("MatMul", n.node("Flatten", n.sign("image")), n.node("Transpose", weights))
    refused(n.model(), r"initialiser 'fc\.weight' holds NaN or Inf")


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_that_is_not_positive_is_refused(net, rng, scale):
    n = net((1, 2, 4))
    n.node("MatMul", n.node("Flatten", n.sign("image", scale, name="act")), n.node("Transpose", n.weights(rng, (3, 8))))
    refused(n.model(), rf"node 'act': BipolarQuant has the scale {scale:g}; positive finite scales are accepted")
    n = net((1, 2, 4))
    n.node("MatMul", n.node("Flatten", n.sign("image")), n.node("Transpose", n.weights(rng, (3, 8), scale)))
    refused(n.model(), "positive finite scales are accepted")


def test_batch_norm_constants_that_make_nan_are_refused(mlp):
    c = [mlp.const(v) for v in (np.ones(3), np.zeros(3), np.zeros(3), [-1.0, 1.0, 1.0])]
    mlp.node("BatchNormalization", mlp.sums, *c, name="bn")
    refused(mlp.model(), r"node 'bn': .*NaN or Inf")


@pytest.mark.parametrize(
    ("zero", "bits", "pattern"), [(0.5, 4, "zero point"), (0.0, 17, "bit width"), (0.0, 2.5, "bit width"), (0.0, 0, "bit width")]
)
def test_quantisers_outside_the_supported_ones_are_refused(mlp, zero, bits, pattern):
    mlp.quant(mlp.sums, 1.0, bits, zero=zero, name="q")
    refused(mlp.model(), rf"node 'q': .*{pattern}.*accepted")


def test_shapes_that_do_not_fit_name_the_node(net, rng):
    n = net((1, 2, 4))
    n.node("MatMul", n.node("Flatten", n.sign("image")), n.node("Transpose", n.weights(rng, (3, 9))), name="fc1")
    refused(n.model(), "node 'fc1': MatMul cannot be executed")


def test_a_layer_on_floats_is_refused(mlp, rng):
    x = mlp.node("Mul", mlp.sums, mlp.const(rng.normal(size=3)))
    mlp.node("Gemm", x, mlp.weights(rng, (3, 3)), name="second")
    refused(mlp.model(), r"node second: its input is not one scale times integers \(mul per channel\)")


def test_weights_that_are_plain_floats_are_refused(net, rng):
    n = net((1, 2, 4))
    n.node("MatMul", n.node("Flatten", n.sign("image")), n.const(rng.normal(size=(8, 3))), name="fc")
    refused(n.model(), "node 'fc': the weights are plain floats")


def test_a_residual_in_floating_point_is_refused(mlp):
    mlp.node("Add", mlp.sums, mlp.node("Relu", mlp.sums), name="residual")
    refused(mlp.model(), "node residual: adds plain integers and relu, a residual in floating point; .*integerise")


@pytest.mark.parametrize(("scale", "message"), [(0.5, "scales 0.25 and 0.5"), (0.3, "scales 0.25 and 0.3")])
def test_a_sum_of_two_grids_is_refused(mlp, scale, message):
    mlp.node("Add", mlp.quant(mlp.sums, 0.25, 8), mlp.quant(mlp.sums, scale, 8), name="residual")
    refused(mlp.model(), f"node residual: adds tensors of {message}; .*one power of two")


def test_a_sum_on_a_grid_that_float32_rounds_is_refused(mlp):
    mlp.node("Add", mlp.quant(mlp.sums, 0.3, 8), mlp.quant(mlp.sums, 0.3, 8), name="residual")
    refused(mlp.model(), "node residual: adds tensors of scales 0.3 and 0.3; .*one power of two")


def test_a_sum_that_widens_a_tensor_is_refused(net, rng):
    n = net((2, 4, 4))
    a = n.quant("image", 0.25, 4)
    n.node("Add", a, n.node("GlobalAveragePool", a), name="residual")
    n.node("Flatten", n.last)
    refused(n.model(), r"node 'residual': Add of tensors of shapes \(1, 2, 4, 4\) and \(1, 2, 1, 1\)")


@pytest.mark.parametrize("attributes", [{"ceil_mode": 1, "count_include_pad": 0}, {"pads": [0, 0, 1, 1]}])
def test_an_average_beyond_the_edge_is_refused(net, attributes):
    n = net((2, 5, 4))
    n.node("AveragePool", n.quant("image", 0.25, 4), kernel_shape=[2, 2], strides=[2, 2], name="odd", **attributes)
    n.node("Flatten", n.last)
    refused(n.model(), r"node 'odd': AveragePool of \(2, 2\) with stride \(2, 2\) reaches over the edge of \(5, 4\) pixels; .*accepted")


def test_a_quantiser_of_many_levels_that_is_no_slope_is_refused(net, rng):
    n = net((3, 4, 4))
    sums = n.node("Conv", n.quant("image", 2.0**-8, 8, signed=0), n.weights(rng, (2, 3, 4, 4)), kernel_shape=[4, 4])
    n.quant(n.node("Clip", n.node("LeakyRelu", sums, alpha=0.3), n.const(-0.7), n.const(7.0)), 2.0**-9, 13, name="fine", mode="FLOOR")
    n.node("MatMul", n.node("Flatten", n.last), n.node("Transpose", n.weights(rng, (3, 2))))
    refused(n.model(), "node fine: its chain of float operations makes .* codes and is no slope")


def test_a_node_that_reads_nothing_made_before_is_refused(mlp):
    mlp.node("Relu", "nowhere", name="lost")
    refused(mlp.model(), "node 'lost': reads 'nowhere', which nothing before it makes")


def test_an_operator_name_with_a_line_break_gives_one_line(mlp):
    mlp.node("Soft\nmax", mlp.sums)
    refused(mlp.model(), r"operator Soft\?max is not supported")


def test_a_name_that_is_no_text_is_refused(tmp_path, mlp):
    raw = mlp.model().SerializeToString().replace(b"image", b"im\xffge")
    (tmp_path / "name.onnx").write_bytes(raw)
    refused(tmp_path / "name.onnx", r"name\.onnx: not a readable ONNX file", BadInputError)


def test_two_inputs_are_refused(mlp):
    mlp.inputs = [helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, [1, 2])]
    refused(mlp.model(), "has 2 data inputs and 1 outputs; 1 and 1 are accepted")


def test_a_chain_that_turns_over_a_large_range_is_refused(net, rng):
    n = net((1, 8, 16))
    x = n.node("MatMul", n.node("Flatten", n.quant("image", 1 / 256, 8, signed=0)), n.node("Transpose", n.weights(rng, (2, 128))))
    x = n.sign(n.node("Sub", n.node("PRelu", x, n.const([-1.0])), n.const(1.0)), name="act")
    n.node("MatMul", x, n.node("Transpose", n.weights(rng, (2, 2))))
    refused(n.model(), "node act: its chain of float operations is not monotone over INT16")


def test_images_of_another_shape_are_refused(mlp):
    with pytest.raises(BadInputError, match=r"images of shape \(1, 4, 4\) .*\(1, 2, 4\) is accepted"):
        qonnx_execute(mlp.model(), np.zeros((2, 1, 4, 4), dtype=np.float32))


def test_constants_that_grow_without_end_are_refused(mlp):
    x = mlp.const(np.zeros(1 << 16))
    for _ in range(12):
        x = mlp.node("Concat", x, x, axis=0)
    mlp.node("Add", mlp.sums, mlp.node("Gather", x, mlp.const(0, np.int64)))
    refused(mlp.model(), "Concat makes more than 67108864 elements")


def test_a_node_without_outputs_is_refused(mlp):
    model = mlp.model()
    model.graph.node.append(helper.make_node("Relu", [mlp.sums], []))
    refused(model, "a node of type Relu in model has no output")


def test_padding_with_a_value_that_the_stream_cannot_hold_is_refused(net, rng):
    n = net((1, 4, 4))
    x = n.node("Pad", n.sign("image"), n.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), n.const(0.5), name="frame")
    x = n.node("Conv", x, n.weights(rng, (2, 1, 3, 3)), kernel_shape=[3, 3])
    n.node("MatMul", n.node("Flatten", n.sign(x)), n.node("Transpose", n.weights(rng, (2, 32))))
    refused(n.model(), "node frame: pads with 0.5, which is none of the quantised tensor's values")


@pytest.mark.parametrize("seed", range(60))
def test_a_file_with_flipped_bits_is_refused_or_lowered_never_a_traceback(tmp_path, seed, capfd):
    rng = np.random.default_rng(seed)
    raw = bytearray(draw(seed % 7).SerializeToString())
    for _ in range(3):
        raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
    (tmp_path / "flipped.onnx").write_bytes(raw)
    message = ""
    try:
        lower(tmp_path / "flipped.onnx")
    except XnorflowError as error:
        message = str(error)
    assert "\n" not in message
    assert capfd.readouterr().out == ""
