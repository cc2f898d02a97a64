"""A model with everything constant folded away: what is left are the operations on the image.

Folding runs the file's own nodes (``Shape/Gather/Unsqueeze/Concat`` flattening, ``Pow`` and ``Div`` of batch-norm constants,
weight quantisers) in the file's own engines, and keeps for each quantised constant its integer codes and scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper, numpy_helper

from xnorflow.errors import UnsupportedModelError
from xnorflow.hw.lowering.constants import MAX_WEIGHT_BITS, QuantisedConstant
from xnorflow.hw.lowering.executor import QONNX_OPS, Executor, node_label, printable
from xnorflow.hw.lowering.model_file import MAX_ELEMENTS
from xnorflow.hw.lowering.quantiser import quantiser_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.chain import AnyArray
    from xnorflow.hw.lowering.model_file import ModelFile

DATA_OPS = (
    *(
        "Add",
        "ArgMax",
        "AveragePool",
        "BatchNormalization",
        "BipolarQuant",
        "Cast",
        "Clip",
        "Concat",
        "Conv",
        "Div",
        "Dropout",
        "Flatten",
        "Gemm",
        "GlobalAveragePool",
        "Identity",
        "IntQuant",
    ),
    *("LeakyRelu", "MatMul", "MaxPool", "Mul", "Neg", "Pad", "PRelu", "Quant", "ReduceSum", "Relu", "Reshape", "Sigmoid", "Squeeze", "Sub"),
    *("TopK", "Transpose", "Trunc", "Unsqueeze"),
)
CONSTANT_OPS = (
    *("Abs", "Ceil", "Concat", "Constant", "ConstantOfShape", "Equal", "Exp", "Floor", "Gather", "Max", "Min", "Pow", "Reciprocal", "ReduceProd"),
    *("Round", "Shape", "Slice", "Sqrt", "Where"),
)
_MOVES = ("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")


@dataclass(frozen=True, eq=False)
class Network:
    """The operations on the image, in order.

    Attributes:
        file: the model they come from.
        nodes: ONNX nodes with at least one input that depends on the image; Reshape targets keep batch 1.
        constants: every constant tensor by name, folded ones included.
        quantised: codes and scales of the quantised ones.
        shapes: batch-1 shape of every tensor that depends on the image.
        executor: runs the nodes.
    """

    file: ModelFile
    nodes: tuple[Any, ...]
    constants: Mapping[str, AnyArray]
    quantised: Mapping[str, QuantisedConstant]
    shapes: Mapping[str, tuple[int, ...]]
    executor: Executor

    def run(self, x: AnyArray, *, keep_all: bool = False) -> dict[str, AnyArray]:
        """Execute on a batch ``(N, *input_shape[1:])`` of float32; returns the output, or every tensor, by name."""
        values = {self.file.input_name: x}
        for node in self.nodes:
            values.update(self.executor.run(node, self._feed(node, values, len(x))))
        return values if keep_all else {self.file.output_name: values[self.file.output_name]}

    def _feed(self, node: Any, values: Mapping[str, AnyArray], batch: int) -> dict[str, AnyArray]:
        feed = {name: values[name] if name in values else self.constants[name] for name in node.input if name}
        if node.op_type == "Reshape" and feed[node.input[1]][0] == 1:
            feed[node.input[1]] = np.concatenate([[batch], feed[node.input[1]][1:]]).astype(np.int64)
        return feed


def fold(file: ModelFile) -> Network:
    """Fold the constants of a model.

    Raises:
        UnsupportedModelError: an unsupported operator, or one that the runtime refuses; the message names the node.
    """
    folder = _Folder(file)
    for node in file.proto.graph.node:
        folder.visit(node)
    nodes = _live(folder.nodes, file.output_name)
    if file.output_name not in folder.shapes:
        raise UnsupportedModelError(f"{file.label}: output {file.output_name!r} does not depend on the input")
    return Network(file, nodes, folder.constants, folder.quantised, folder.shapes, folder.executor)


class _Folder:
    def __init__(self, file: ModelFile) -> None:
        self.label = file.label
        self.executor = Executor(file.opsets)
        self.constants: dict[str, AnyArray] = dict(file.constants)
        self.quantised: dict[str, QuantisedConstant] = {}
        self.zeros: dict[str, AnyArray] = {file.input_name: np.zeros(file.input_shape, dtype=np.float32)}
        self.shapes: dict[str, tuple[int, ...]] = {file.input_name: file.input_shape}
        self.nodes: list[Any] = []

    def visit(self, node: Any) -> None:
        if not any(node.output):
            raise UnsupportedModelError(f"a node of type {node.op_type} in {self.label} has no output; one is accepted")
        if node.op_type not in DATA_OPS and node.op_type not in CONSTANT_OPS:
            accepted = ", ".join(sorted(DATA_OPS))
            raise UnsupportedModelError(f"node {node_label(node)}: operator {printable(node.op_type)} is not supported; accepted are {accepted}")
        for name in node.input:
            if name and name not in self.constants and name not in self.zeros:
                raise UnsupportedModelError(f"node {node_label(node)}: reads {name!r}, which nothing before it makes")
        self._check_sizes(node)
        dynamic = [name for name in node.input if name in self.zeros]
        if node.op_type == "Shape" and dynamic:
            self.constants[node.output[0]] = _shape_slice(node, self.shapes[dynamic[0]])
        elif not dynamic:
            self._fold(node)
        elif node.op_type in DATA_OPS:
            self._keep(node)
        else:
            raise UnsupportedModelError(f"node {node_label(node)}: {node.op_type} of the image is not supported; it is accepted on constants only")

    def _check_sizes(self, node: Any) -> None:
        if node.op_type == "ConstantOfShape" and node.input[0] in self.constants and prod(map(int, self.constants[node.input[0]])) > MAX_ELEMENTS:
            raise UnsupportedModelError(f"node {node_label(node)}: ConstantOfShape makes more than {MAX_ELEMENTS} elements")
        pads = next((list(a.ints) for a in node.attribute if a.name == "pads"), [])
        if node.op_type == "Pad" and len(node.input) > 1 and node.input[1] in self.constants:
            pads = [int(p) for p in self.constants[node.input[1]].ravel()]
        if any(not 0 <= p < 1 << 12 for p in pads):
            raise UnsupportedModelError(f"node {node_label(node)}: pads {pads}; 0 to 4095 are accepted")

    def _fold(self, node: Any) -> None:
        if node.op_type == "Constant":
            self.constants[node.output[0]] = _constant(node)
            return
        ins = {name: self.constants[name] for name in node.input if name}
        self.constants.update(self._run(node, ins))
        if node.op_type in QONNX_OPS:
            self.quantised[node.output[0]] = quantiser_of(node, self.constants, MAX_WEIGHT_BITS).constant(self.constants[node.input[0]])
        elif node.op_type in _MOVES and node.input[0] in self.quantised:
            self.quantised[node.output[0]] = self.quantised[node.input[0]].reshaped(lambda a: self._moved(node, a))
        elif node.op_type in ("Mul", "Div"):
            self._scale(node)

    def _run(self, node: Any, ins: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        made = self.executor.run(node, ins)
        if any(values.size > MAX_ELEMENTS for values in made.values()):
            raise UnsupportedModelError(f"node {node_label(node)}: {node.op_type} makes more than {MAX_ELEMENTS} elements")
        return made

    def _moved(self, node: Any, values: AnyArray) -> AnyArray:
        feed = {name: self.constants[name] for name in node.input if name} | {node.input[0]: values.astype(np.float32)}
        return self.executor.run(node, feed)[node.output[0]].astype(values.dtype)

    def _scale(self, node: Any) -> None:
        first, second = node.input[0], node.input[1]
        if second in self.quantised and node.op_type == "Mul":
            first, second = second, first
        if first not in self.quantised:
            return
        factor = self.constants[second].astype(np.float32)
        scaled = self.quantised[first].scaled(np.float32(1) / factor if node.op_type == "Div" else factor)
        if scaled is not None:
            self.quantised[node.output[0]] = scaled

    def _keep(self, node: Any) -> None:
        ins = {name: self.zeros[name] if name in self.zeros else self.constants[name] for name in node.input if name}
        for name, values in self._run(node, ins).items():
            self.zeros[name] = values
            self.shapes[name] = values.shape
        self.nodes.append(node)


def _shape_slice(node: Any, shape: tuple[int, ...]) -> AnyArray:
    marks = {a.name: int(a.i) for a in node.attribute}
    return np.asarray(shape[marks.get("start", 0) : marks.get("end", len(shape))], dtype=np.int64)


def _constant(node: Any) -> AnyArray:
    attribute = node.attribute[0] if node.attribute else None
    if attribute is None or attribute.name not in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        raise UnsupportedModelError(f"node {node_label(node)}: Constant without a numeric value")
    if attribute.name == "value":
        return np.asarray(numpy_helper.to_array(attribute.t))
    dtype = np.float32 if "float" in attribute.name else np.int64
    return np.asarray(helper.get_attribute_value(attribute), dtype=dtype)


def _live(nodes: list[Any], output: str) -> tuple[Any, ...]:
    needed, kept = {output}, []
    for node in reversed(nodes):
        if any(name in needed for name in node.output):
            needed.update(node.input)
            kept.append(node)
    return tuple(reversed(kept))
