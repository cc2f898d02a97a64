"""Conv, Gemm and MatMul with quantised weights become Linear nodes, a bias an addition behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering.attributes import Attributes
from xnorflow.hw.lowering.builder import MAX_CODES, Tensor
from xnorflow.hw.lowering.channel_sum import ChannelSum
from xnorflow.hw.lowering.constants import QuantisedConstant, from_values, is_exact_sum
from xnorflow.hw.lowering.executor import node_label
from xnorflow.hw.lowering.float_nodes import Linear, Pointwise
from xnorflow.hw.lowering.layout import NCHW, Layout
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from xnorflow.hw.chain import AnyArray, FloatArray
    from xnorflow.hw.lowering.builder import Builder
    from xnorflow.hw.types import IntArray


def import_conv(builder: Builder, node: Any) -> None:
    """Conv with weights ``(M, C/groups, KH, KW)``."""
    label, attributes, tensor = f"node {node_label(node)}", Attributes(node), builder.data(node)
    weights = _weights(builder, node, 1, 4)
    if len(tensor.layout.shape) != 4:
        raise UnsupportedModelError(f"{label}: Conv of a tensor of shape {tensor.layout.shape}; (1, C, H, W) is accepted")
    image = Layout.image(tensor.layout.shape, NCHW)
    if not image.same_as(tensor.layout):
        raise UnsupportedModelError(f"{label}: Conv reads a tensor whose channels are not where the image's are; NCHW is accepted")
    weights = _dense(weights, attributes.integer("group", 1), tensor.layout.shape[1], label)
    out = builder.network.shapes[node.output[0]]
    kernel, stride, dilation = weights.codes.shape[2:], attributes.integers("strides", (1, 1)), attributes.integers("dilations", (1, 1))
    pads = explicit_pads(node, tensor.layout.shape[2:], out[2:], kernel, stride, dilation)
    moved = weights.reshaped(lambda a: np.ascontiguousarray(a.transpose(0, 2, 3, 1)))
    shape = {"stride": (stride[0], stride[1]), "dilation": (dilation[0], dilation[1]), "pads": pads}
    _add_linear(builder, node, tensor, moved, Layout.image(out, NCHW), shape)


def import_matmul(builder: Builder, node: Any) -> None:
    """MatMul of ``(1, K)`` by ``(K, M)``."""
    _add_dense(builder, node, _weights(builder, node, 1, 2).reshaped(lambda a: a.T))


def import_gemm(builder: Builder, node: Any) -> None:
    """Gemm with alpha and beta 1, the weights transposed or not, with or without bias."""
    attributes = Attributes(node)
    if attributes.integer("transA", 0) or attributes.real("alpha", 1.0) != 1.0 or attributes.real("beta", 1.0) != 1.0:
        raise UnsupportedModelError(f"node {node_label(node)}: Gemm with transA, alpha or beta; transA=0, alpha=1 and beta=1 are accepted")
    weights = _weights(builder, node, 1, 2)
    _add_dense(builder, node, weights if attributes.integer("transB", 0) else weights.reshaped(lambda a: a.T))


def import_average_pool(builder: Builder, node: Any) -> None:
    """AveragePool and GlobalAveragePool without padding: a sum over each window of each channel, and one scale."""
    label, attributes, tensor = f"node {node_label(node)}", Attributes(node), builder.data(node)
    shape, out = tensor.layout.shape, builder.network.shapes[node.output[0]]
    if len(shape) != 4 or not Layout.image(shape, NCHW).same_as(tensor.layout):
        raise UnsupportedModelError(f"{label}: {node.op_type} of a tensor of shape {shape}; (1, C, H, W) is accepted")
    kernel = shape[2:] if node.op_type == "GlobalAveragePool" else attributes.integers("kernel_shape", ())
    stride, dilation = attributes.integers("strides", (1, 1)), attributes.integers("dilations", (1, 1))
    if any(explicit_pads(node, shape[2:], out[2:], kernel, stride, dilation)):
        text = f"{node.op_type} of {kernel} with stride {stride} reaches over the edge of {shape[2:]} pixels"
        raise UnsupportedModelError(f"{label}: {text}; no padding, and windows that end at the edge, are accepted")
    share = np.float32(1 / (kernel[0] * kernel[1]))
    _add_channel_sum(builder, node, (kernel[0], kernel[1]), share, {"stride": (stride[0], stride[1]), "dilation": (dilation[0], dilation[1])})


def import_reduce_sum(builder: Builder, node: Any) -> None:
    """ReduceSum over rows and columns: the sum of all pixels, of each channel."""
    attributes, tensor = Attributes(node), builder.data(node)
    given, shape = builder.constant(node, 1), tensor.layout.shape
    axes = sorted(a % max(1, len(shape)) for a in (attributes.integers("axes", ()) if given is None else (int(a) for a in given.ravel())))
    if len(shape) != 4 or not Layout.image(shape, NCHW).same_as(tensor.layout) or axes != [2, 3] or not attributes.integer("keepdims", 1):
        text = f"ReduceSum over axes {axes} of a tensor of shape {shape}"
        raise UnsupportedModelError(f"node {node_label(node)}: {text}; rows and columns of (1, C, H, W), with keepdims, are accepted")
    _add_channel_sum(builder, node, (shape[2], shape[3]), np.float32(1), {})


def import_channel_pad(builder: Builder, node: Any, front: int, back: int) -> None:
    """Channels of zeros around those that are there."""
    channels = builder.data(node).layout.shape[1]
    codes = np.zeros((front + channels + back, 1, 1, channels), dtype=np.int64)
    codes[front + np.arange(channels), 0, 0, np.arange(channels)] = 1
    ones = QuantisedConstant(codes, np.ones(codes.shape, dtype=np.float32), IntType(1, signed=False))
    _add_linear(builder, node, builder.data(node), ones, Layout.image(builder.network.shapes[node.output[0]], NCHW), {})
    _note_values(builder, node, codes.reshape(len(codes), -1).sum(axis=1), np.float32(1))


def _add_channel_sum(builder: Builder, node: Any, kernel: tuple[int, int], scale: np.float32, shape: dict[str, Any]) -> None:
    """A layer that only adds up what it reads of each channel."""
    tensor, stream = builder.data(node), builder.stream_name(node.output[0])
    channels = tensor.layout.shape[1]
    name = builder.node_name(node)
    linear = ChannelSum.over(kernel, channels, scale, name=name, inputs=(tensor.stream,), outputs=(stream,), **shape)
    builder.nodes.append(linear)
    if not _is_exact(linear.alone(), tensor, None):
        builder.inexact[name] = np.zeros(channels, dtype=np.float32)
    builder.tensors[node.output[0]] = Tensor(stream, Layout.image(builder.network.shapes[node.output[0]], NCHW), None)
    _note_values(builder, node, np.full(channels, linear.taps), scale)


def _note_values(builder: Builder, node: Any, terms: IntArray, scale: np.float32) -> None:
    """What a sum of so many elements for each channel can be, where that of its input is known."""
    tensor, made = builder.data(node), builder.tensors[node.output[0]]
    if tensor.values is None or tensor.step is None or builder.nodes[-1].name in builder.inexact:
        return
    step = np.float32(tensor.step) * scale
    least, most = (float(f(tensor.values)) / tensor.step for f in (np.min, np.max))
    low, high = int(min(t * least for t in terms)), int(max(t * most for t in terms))
    if high - low < MAX_CODES:
        builder.tensors[node.output[0]] = replace(made, values=np.arange(low, high + 1).astype(np.float32) * step, step=float(step))


def explicit_pads(node: Any, size: Any, out: Any, kernel: Any, stride: Any, dilation: Any) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of a Conv or MaxPool; ``auto_pad`` and ``ceil_mode`` are worked out from the output's size."""
    attributes = Attributes(node)
    auto, given = attributes.text("auto_pad", "NOTSET"), attributes.integers("pads", (0, 0, 0, 0))
    before, after = [0, 0], [0, 0]
    for axis in range(2):
        needed = (out[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 - size[axis]
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            total = max(needed, 0)
            before[axis] = total // 2 if auto == "SAME_UPPER" else total - total // 2
            after[axis] = total - before[axis]
        elif auto == "NOTSET":
            before[axis] = given[axis]
            after[axis] = max(given[axis + 2], needed - given[axis])
    return before[0], before[1], after[0], after[1]


def _weights(builder: Builder, node: Any, index: int, axes: int) -> QuantisedConstant:
    label, name = f"node {node_label(node)}", node.input[index]
    values = builder.constant(node, index)
    if values is None or values.ndim != axes:
        shape = None if values is None else values.shape
        raise UnsupportedModelError(f"{label}: {node.op_type} with weights of shape {shape}; {axes} axes are accepted")
    if name in builder.network.quantised:
        return builder.network.quantised[name]
    if node.op_type == "Conv" or Attributes(node).integer("transB", 0):
        return from_values(label, values)
    return from_values(label, values.T).reshaped(lambda a: a.T)


def _dense(weights: QuantisedConstant, groups: int, channels: int, label: str) -> QuantisedConstant:
    """Grouped weights as dense ones with zeros."""
    if groups == 1:
        return weights
    rows, per_group = weights.codes.shape[:2]
    if rows % groups or per_group * groups != channels:
        raise UnsupportedModelError(f"{label}: {groups} groups do not divide {channels} channels in and {rows} out")
    codes = np.zeros((rows, channels, *weights.codes.shape[2:]), dtype=np.int64)
    scale = np.ones_like(codes, dtype=np.float32)
    for row in range(rows):
        start = row // (rows // groups) * per_group
        codes[row, start : start + per_group] = weights.codes[row]
        scale[row] = weights.scale[row].ravel()[0]
    kind = weights.kind if weights.kind.allows(codes) else IntType.containing(int(codes.min()), int(codes.max()))
    return QuantisedConstant(codes, scale, kind)


def _add_dense(builder: Builder, node: Any, weights: QuantisedConstant) -> None:
    tensor = builder.data(node)
    if len(tensor.layout.shape) != 2 or len(tensor.layout.stream) != 1 or weights.codes.shape[1] != tensor.layout.shape[1]:
        text = f"{node.op_type} of {tensor.layout.shape} with weights for {weights.codes.shape[1]} inputs"
        raise UnsupportedModelError(f"node {node_label(node)}: {text}; a flattened (1, {weights.codes.shape[1]}) is accepted")
    ordered = weights.reshaped(lambda a: np.ascontiguousarray(a[:, tensor.layout.order]))
    out = builder.network.shapes[node.output[0]]
    _add_linear(builder, node, tensor, ordered, Layout.plain(out, (out[-1],)), {})


def _row_scale(weights: QuantisedConstant, label: str) -> FloatArray:
    rows = weights.scale.reshape(len(weights.scale), -1)
    if np.any(rows != rows[:, :1]):
        raise UnsupportedModelError(f"{label}: the weights' scale varies within an output channel; one for all, or one per channel, is accepted")
    return np.ascontiguousarray(rows[:, 0])


def _add_linear(builder: Builder, node: Any, tensor: Tensor, weights: QuantisedConstant, layout: Layout, shape: dict[str, Any]) -> None:
    scale = _row_scale(weights, f"node {node_label(node)}")
    bias = _bias(builder, node, len(scale))
    stream = builder.stream_name(node.output[0])
    sums = stream if bias is None else builder.stream_name(node.output[0], "_sum")
    linear = Linear(
        name=builder.node_name(node), inputs=(tensor.stream,), outputs=(sums,), codes=weights.codes, weight_type=weights.kind, scale=scale, **shape
    )
    builder.nodes.append(linear)
    if not _is_exact(linear, tensor, bias):
        builder.inexact[linear.name] = np.zeros(len(scale), dtype=np.float32) if bias is None else np.abs(bias)
    if bias is not None:
        chain = FloatChain((FloatStep(StepKind.ADD, (bias,)),))
        builder.nodes.append(Pointwise(name=builder.node_name(node, "_bias"), inputs=(sums,), outputs=(stream,), chain=chain))
    builder.tensors[node.output[0]] = Tensor(stream, layout, None)


def _is_exact(linear: Linear, tensor: Tensor, bias: FloatArray | None) -> bool:
    """Whether the file's float32 sums equal ``float32(integer sum) * float32(scales)`` bit for bit in any order."""
    if tensor.values is None or tensor.step is None:
        return False
    wide = linear.scale.astype(np.float64)
    scales = wide * tensor.step
    products = linear.matrix * wide[:, None]
    if np.any(scales != scales.astype(np.float32)) or np.any(products != linear.weights):
        return False
    codes = tensor.values.astype(np.float64) / tensor.step
    return bool(np.all(codes == np.rint(codes))) and is_exact_sum(linear.weights, tensor.values, bias)


def _bias(builder: Builder, node: Any, rows: int) -> FloatArray | None:
    bias: AnyArray | None = builder.constant(node, 2) if node.op_type in ("Conv", "Gemm") else None
    if bias is None:
        return None
    if bias.size not in (1, rows):
        raise UnsupportedModelError(f"node {node_label(node)}: bias of shape {bias.shape} for {rows} channels; one value per channel is accepted")
    return np.ascontiguousarray(np.broadcast_to(bias.astype(np.float32).ravel(), (rows,)))
