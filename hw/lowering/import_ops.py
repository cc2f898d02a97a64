"""How each operator of a file becomes nodes of the float graph; :data:`IMPORTERS` maps the operator to its function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.lowering.attributes import Attributes
from xnorflow.hw.lowering.builder import MAX_CODES, Tensor
from xnorflow.hw.lowering.executor import node_label
from xnorflow.hw.lowering.float_nodes import Pointwise, Quantise
from xnorflow.hw.lowering.import_joins import import_concat, import_product, import_sum
from xnorflow.hw.lowering.import_linear import import_average_pool, import_conv, import_gemm, import_matmul, import_reduce_sum
from xnorflow.hw.lowering.import_shape import import_argmax, import_max_pool, import_pad, import_reshape, import_topk, import_transpose
from xnorflow.hw.lowering.quantiser import quantiser_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.hw.chain import AnyArray
    from xnorflow.hw.lowering.builder import Builder


_JOINS = {"Add": import_sum, "Mul": import_product}


def _identity(builder: Builder, node: Any) -> None:
    builder.tensors[node.output[0]] = builder.data(node)


def _cast(builder: Builder, node: Any) -> None:
    if Attributes(node).integer("to", 1) != 1:
        raise UnsupportedModelError(f"node {node_label(node)}: Cast of the image to another type than float32 is not supported")
    _identity(builder, node)


def _dropout(builder: Builder, node: Any) -> None:
    training = builder.constant(node, 2)
    if training is not None and np.any(training):
        raise UnsupportedModelError(f"node {node_label(node)}: Dropout in training mode is not supported; export the network in evaluation mode")
    _identity(builder, node)


def _binary(builder: Builder, node: Any) -> None:
    op = node.op_type
    if op in _JOINS and all(name in builder.tensors for name in node.input):
        _JOINS[op](builder, node)
        return
    if node.input[0] in builder.tensors:
        kind = {"Add": StepKind.ADD, "Sub": StepKind.SUB, "Mul": StepKind.MUL, "Div": StepKind.DIV}[op]
        tensor, constant = builder.data(node), builder.constant(node, 1)
    else:
        if op == "Div":
            raise UnsupportedModelError(f"node {node_label(node)}: Div of a constant by the image is not supported; the image comes first")
        kind = {"Add": StepKind.ADD, "Sub": StepKind.RSUB, "Mul": StepKind.MUL}[op]
        tensor, constant = builder.tensors[node.input[1]], builder.constant(node, 0)
    assert constant is not None
    operand = builder.operand(node, tensor, constant)
    if op == "Div" and np.any(operand == 0):
        raise UnsupportedModelError(f"node {node_label(node)}: Div by zero is not supported")
    builder.add_chain(node, tensor, FloatChain((FloatStep(kind, (operand,)),)))


def _relu(builder: Builder, node: Any) -> None:
    builder.pointwise(node, ((StepKind.RELU, ()),))


def _sigmoid(builder: Builder, node: Any) -> None:
    builder.pointwise(node, ((StepKind.SIGMOID, ()),))


def _neg(builder: Builder, node: Any) -> None:
    builder.pointwise(node, ((StepKind.MUL, (np.float32(-1),)),))


def _prelu(builder: Builder, node: Any) -> None:
    builder.pointwise(node, ((StepKind.PRELU, (_float(builder, node, 1),)),))


def _leaky_relu(builder: Builder, node: Any) -> None:
    builder.pointwise(node, ((StepKind.PRELU, (np.float32(Attributes(node).real("alpha", 0.01)),)),))


def _clip(builder: Builder, node: Any) -> None:
    attributes = Attributes(node)
    limit = float(np.finfo(np.float32).max)
    low, high = builder.constant(node, 1), builder.constant(node, 2)
    floor = np.float32(attributes.real("min", -limit)) if low is None else low
    ceiling = np.float32(attributes.real("max", limit)) if high is None else high
    builder.pointwise(node, ((StepKind.CLIP, (floor, ceiling)),))


def _batch_norm(builder: Builder, node: Any) -> None:
    """As ONNX Runtime computes it: ``x * (gamma * (1 / sqrt(var + eps))) + (beta - mean * that)``, one rounding each."""
    attributes = Attributes(node)
    if attributes.integer("training_mode", 0):
        raise UnsupportedModelError(f"node {node_label(node)}: BatchNormalization in training mode is not supported; export in evaluation mode")
    gamma, beta, mean, var = (_float(builder, node, i) for i in range(1, 5))
    with np.errstate(all="ignore"):
        scale = gamma * (np.float32(1) / np.sqrt(var + np.float32(attributes.real("epsilon", 1e-5))))
        shift = beta - mean * scale
    axes = (1, -1, *(1,) * (len(builder.data(node).layout.shape) - 2))
    builder.pointwise(node, ((StepKind.MUL, (scale.reshape(axes),)), (StepKind.ADD, (shift.reshape(axes),))))


def _float(builder: Builder, node: Any, index: int) -> AnyArray:
    values = builder.constant(node, index)
    if values is None:
        raise UnsupportedModelError(f"node {node_label(node)}: {node.op_type} lacks its input {index}")
    return values.astype(np.float32)


def _quantiser(builder: Builder, node: Any) -> None:
    tensor = builder.data(node)
    quantiser = quantiser_of(node, builder.network.constants)
    chain = FloatChain(tuple(FloatStep(kind, tuple(builder.operand(node, tensor, np.asarray(c)) for c in ops)) for kind, ops in quantiser.steps))
    scale = builder.operand(node, tensor, quantiser.scale)
    codes, stream = builder.stream_name(node.output[0], "_codes"), builder.stream_name(node.output[0])
    builder.nodes.append(Quantise(name=builder.node_name(node), inputs=(tensor.stream,), outputs=(codes,), chain=chain, out_type=quantiser.kind))
    back = FloatChain((FloatStep(StepKind.MUL, (scale,)),))
    builder.nodes.append(Pointwise(name=builder.node_name(node, "_scale"), inputs=(codes,), outputs=(stream,), chain=back))
    builder.codes[codes] = (node.output[0], scale)
    kind = quantiser.kind
    codes_made = np.array([-1, 1]) if kind.bipolar else np.arange(kind.minimum, kind.maximum + 1)
    values = None if len(codes_made) * len(scale) > MAX_CODES else np.unique(codes_made.astype(np.float32)[:, None] * scale)
    builder.tensors[node.output[0]] = Tensor(stream, tensor.layout, values, float(scale[0]) if len(scale) == 1 else None)


IMPORTERS: dict[str, Callable[[Builder, Any], None]] = {
    "Add": _binary,
    "ArgMax": import_argmax,
    "AveragePool": import_average_pool,
    "BatchNormalization": _batch_norm,
    "BipolarQuant": _quantiser,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": import_concat,
    "Conv": import_conv,
    "Div": _binary,
    "Dropout": _dropout,
    "Flatten": import_reshape,
    "Gemm": import_gemm,
    "Identity": _identity,
    "GlobalAveragePool": import_average_pool,
    "IntQuant": _quantiser,
    "LeakyRelu": _leaky_relu,
    "MatMul": import_matmul,
    "MaxPool": import_max_pool,
    "Mul": _binary,
    "Neg": _neg,
    "PRelu": _prelu,
    "Pad": import_pad,
    "Quant": _quantiser,
    "ReduceSum": import_reduce_sum,
    "Relu": _relu,
    "Reshape": import_reshape,
    "Sigmoid": _sigmoid,
    "Squeeze": import_reshape,
    "Sub": _binary,
    "TopK": import_topk,
    "Transpose": import_transpose,
    "Trunc": _quantiser,
    "Unsqueeze": import_reshape,
}
