"""Operators that move elements or choose among them: pooling, padding, flattening, transposition, the label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.lowering.attributes import Attributes
from xnorflow.hw.lowering.builder import Tensor
from xnorflow.hw.lowering.executor import node_label
from xnorflow.hw.lowering.float_nodes import Border, Pool
from xnorflow.hw.lowering.import_linear import explicit_pads, import_channel_pad
from xnorflow.hw.lowering.layout import NCHW, NHWC, Layout
from xnorflow.hw.nodes import ArgMax, Flatten

if TYPE_CHECKING:
    from xnorflow.hw.lowering.builder import Builder


def import_max_pool(builder: Builder, node: Any) -> None:
    """MaxPool over (1, C, H, W)."""
    attributes, tensor, label = Attributes(node), builder.data(node), f"node {node_label(node)}"
    kernel = attributes.integers("kernel_shape", ())
    if len(kernel) != 2 or len(node.output) > 1 or not _is_nchw(tensor):
        raise UnsupportedModelError(
            f"{label}: MaxPool with kernel {kernel} and {len(node.output)} outputs; 2-D NCHW pooling with one output is accepted"
        )
    stride, dilation = attributes.integers("strides", (1, 1)), attributes.integers("dilations", (1, 1))
    out = builder.network.shapes[node.output[0]]
    pads = explicit_pads(node, tensor.layout.shape[2:], out[2:], kernel, stride, dilation)
    stream = builder.stream_name(node.output[0])
    shape: dict[str, Any] = {"kernel": (kernel[0], kernel[1]), "stride": (stride[0], stride[1]), "dilation": (dilation[0], dilation[1])}
    builder.nodes.append(Pool(name=builder.node_name(node), inputs=(tensor.stream,), outputs=(stream,), pads=pads, **shape))
    builder.tensors[node.output[0]] = Tensor(stream, Layout.image(out, NCHW), tensor.values, tensor.step)


def import_pad(builder: Builder, node: Any) -> None:
    """Pad of height and width with one constant."""
    attributes, tensor, label = Attributes(node), builder.data(node), f"node {node_label(node)}"
    given = builder.constant(node, 1)
    pads = attributes.integers("pads", ()) if given is None else tuple(int(p) for p in given.ravel())
    value = builder.constant(node, 2)
    number = attributes.real("value", 0.0) if value is None else float(np.asarray(value).ravel()[0])
    channel_axes = len(node.input) > 3 and bool(node.input[3])
    if attributes.text("mode", "constant") != "constant" or channel_axes or len(tensor.layout.shape) != 4 or len(pads) != 8:
        raise UnsupportedModelError(f"{label}: only constant padding of an image (1, C, H, W) by 8 numbers is accepted")
    axes = NCHW if _is_nchw(tensor) else NHWC
    rows, cols, channel = axes[1], axes[2], axes[3]
    if axes == NCHW and number == 0 and any(pads) and not any(pads[i] for i in (0, 2, 3, 4, 6, 7)):
        import_channel_pad(builder, node, pads[1], pads[5])
        return
    if any(pads[i] for i in (0, 4, channel, channel + 4)) or not np.isfinite(number):
        raise UnsupportedModelError(
            f"{label}: pads {pads} with value {number}; finite borders of height and width, or channels of zeros, are accepted"
        )
    if not any(pads):
        builder.tensors[node.output[0]] = tensor
        return
    stream = builder.stream_name(node.output[0])
    border = (pads[rows], pads[cols], pads[rows + 4], pads[cols + 4])
    builder.nodes.append(Border(name=builder.node_name(node), inputs=(tensor.stream,), outputs=(stream,), pads=border, value=number))
    values = None if tensor.values is None else np.unique(np.append(tensor.values, np.float32(number)))
    builder.tensors[node.output[0]] = Tensor(stream, Layout.image(builder.network.shapes[node.output[0]], axes), values, tensor.step)


def import_reshape(builder: Builder, node: Any) -> None:
    """Flatten, Reshape, Squeeze and Unsqueeze: to a vector, or to another name of the same image."""
    tensor, shape = builder.data(node), builder.network.shapes[node.output[0]]
    if shape == tensor.layout.shape:
        builder.tensors[node.output[0]] = tensor
    elif len(shape) == 2 and shape[0] == 1:
        _flatten(builder, node, tensor, shape)
    elif len(shape) in (3, 4) and shape[0] == 1:
        _view(builder, node, tensor, shape)
    else:
        raise UnsupportedModelError(f"node {node_label(node)}: {node.op_type} of {tensor.layout.shape} to {shape}; flattening to (1, K) is accepted")


def _flatten(builder: Builder, node: Any, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if len(tensor.layout.stream) == 1:
        builder.tensors[node.output[0]] = Tensor(tensor.stream, tensor.layout.reshaped(shape), tensor.values, tensor.step)
        return
    stream = builder.stream_name(node.output[0])
    builder.nodes.append(Flatten(name=builder.node_name(node), inputs=(tensor.stream,), outputs=(stream,)))
    builder.tensors[node.output[0]] = Tensor(stream, tensor.layout.flattened(shape), tensor.values, tensor.step)


def _view(builder: Builder, node: Any, tensor: Tensor, shape: tuple[int, ...]) -> None:
    views = [Layout.plain(shape, (shape[1], shape[2], 1))] if len(shape) == 3 else [Layout.image(shape, NCHW), Layout.image(shape, NHWC)]
    for view in views:
        if view.same_as(tensor.layout):
            builder.tensors[node.output[0]] = Tensor(tensor.stream, view, tensor.values, tensor.step)
            return
    raise UnsupportedModelError(
        f"node {node_label(node)}: {node.op_type} of {tensor.layout.shape} to {shape} makes another image; flattening is accepted"
    )


def import_transpose(builder: Builder, node: Any) -> None:
    """A change between NCHW and NHWC: another name of the same stream."""
    tensor = builder.data(node)
    axes = tuple(reversed(range(len(tensor.layout.shape))))
    perm = Attributes(node).integers("perm", axes)
    if perm[0] != 0:
        raise UnsupportedModelError(f"node {node_label(node)}: Transpose {perm} moves the batch axis; axis 0 stays first")
    builder.tensors[node.output[0]] = Tensor(tensor.stream, tensor.layout.transposed(perm), tensor.values, tensor.step)


def import_argmax(builder: Builder, node: Any) -> None:
    """ArgMax over the classes."""
    attributes, tensor = Attributes(node), builder.data(node)
    axis, rank = attributes.integer("axis", 0), len(tensor.layout.shape)
    if rank != 2 or axis not in (1, -1) or attributes.integer("select_last_index", 0):
        raise UnsupportedModelError(f"node {node_label(node)}: ArgMax over axis {axis} of {tensor.layout.shape}; the classes of (1, K) are accepted")
    _add_argmax(builder, node, tensor, node.output[0])


def import_topk(builder: Builder, node: Any) -> None:
    """TopK with k = 1, of which the indices are used."""
    attributes, tensor = Attributes(node), builder.data(node)
    k = builder.constant(node, 1)
    count = attributes.integer("k", 0) if k is None else int(np.asarray(k).ravel()[0])
    right = len(tensor.layout.shape) == 2 and attributes.integer("axis", -1) in (1, -1) and attributes.integer("largest", 1)
    if count != 1 or not right or len(node.output) < 2:
        raise UnsupportedModelError(f"node {node_label(node)}: TopK with k={count}; the index of the greatest of (1, K) is accepted")
    _add_argmax(builder, node, tensor, node.output[1])


def _add_argmax(builder: Builder, node: Any, tensor: Tensor, output: str) -> None:
    if not tensor.layout.in_order:
        raise UnsupportedModelError(
            f"node {node_label(node)}: {node.op_type} of an image's pixels is not supported; the classes of (1, K) are accepted"
        )
    stream = builder.stream_name(output)
    builder.nodes.append(ArgMax(name=builder.node_name(node), inputs=(tensor.stream,), outputs=(stream,)))
    shape = builder.network.shapes[output]
    builder.tensors[output] = Tensor(stream, Layout.plain(shape, (1,)), None)
    builder.codes[stream] = (output, np.ones(1, dtype=np.float32))


def _is_nchw(tensor: Tensor) -> bool:
    shape = tensor.layout.shape
    return len(shape) == 4 and Layout.image(shape, NCHW).same_as(tensor.layout)
