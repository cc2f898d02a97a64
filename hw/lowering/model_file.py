"""Read a QONNX file, or refuse it in one line: is it ONNX, is it static with batch 1, are its numbers finite."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from xnorflow.errors import BadInputError, UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.chain import AnyArray

MAX_ELEMENTS = 1 << 26


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A checked ONNX model.

    Attributes:
        label: file name, or ``model`` for one that came from memory.
        proto: the ONNX model.
        input_name, input_shape: the one data input, static, batch 1.
        output_name: the one output.
        constants: initialisers by name.
        opsets: domain -> version.
        metadata: ``metadata_props``.
    """

    label: str
    proto: Any
    input_name: str
    input_shape: tuple[int, ...]
    output_name: str
    constants: Mapping[str, AnyArray]
    opsets: Mapping[str, int]
    metadata: Mapping[str, str]


def read_model(model: Path | str | Any) -> ModelFile:
    """Read and check a model.

    Args:
        model: path of an ONNX file, or an ``onnx.ModelProto``.

    Raises:
        BadInputError: not a readable ONNX file.
        UnsupportedModelError: dynamic shapes, several inputs or outputs, or numbers that are not finite.
    """
    label, proto = ("model", model) if isinstance(model, onnx.ModelProto) else _parse(Path(model))
    if not proto.graph.node or not proto.graph.output:
        raise BadInputError(f"{label}: holds no ONNX graph with nodes and an output")
    _check_text(label, proto)
    constants = {t.name: _array(label, t) for t in proto.graph.initializer}
    inputs = [v for v in proto.graph.input if v.name not in constants]
    if len(inputs) != 1 or len(proto.graph.output) != 1:
        raise UnsupportedModelError(f"{label}: has {len(inputs)} data inputs and {len(proto.graph.output)} outputs; 1 and 1 are accepted")
    shape = _input_shape(label, inputs[0])
    opsets = {o.domain: o.version for o in proto.opset_import}
    metadata = {p.key: p.value for p in proto.metadata_props}
    return ModelFile(label, proto, inputs[0].name, shape, proto.graph.output[0].name, constants, opsets, metadata)


def _parse(path: Path) -> tuple[str, Any]:
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; an ONNX file is accepted")
    if path.stat().st_size == 0:
        raise BadInputError(f"{path}: the file is empty; an ONNX file is accepted")
    try:
        return path.name, onnx.load(path)
    except Exception as error:
        raise BadInputError(f"{path}: not a readable ONNX file, truncated or of another format ({type(error).__name__})") from error


def _check_text(label: str, proto: Any) -> None:
    """Names that are no UTF-8 arrive as bytes, where any are accepted at all."""
    graph = proto.graph
    texts = [o.domain for o in proto.opset_import] + [v.name for part in (graph.input, graph.output, graph.initializer) for v in part]
    texts += [text for n in graph.node for text in (n.name, n.op_type, n.domain, *n.input, *n.output, *(a.name for a in n.attribute))]
    texts += [text for p in proto.metadata_props for text in (p.key, p.value)]
    if any(not isinstance(text, str) for text in texts):
        raise BadInputError(f"{label}: not a readable ONNX file, a name in it is not UTF-8 text")


def _array(label: str, tensor: Any) -> AnyArray:
    try:
        if any(d < 0 for d in tensor.dims) or prod(tensor.dims) > MAX_ELEMENTS:
            raise ValueError(f"its shape is {tuple(tensor.dims)}")
        values: AnyArray = numpy_helper.to_array(tensor)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInputError(f"{label}: initialiser {tensor.name!r} cannot be read: {reason}") from error
    if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
        raise UnsupportedModelError(f"{label}: initialiser {tensor.name!r} holds NaN or Inf; finite numbers are accepted")
    return values


def _input_shape(label: str, value: Any) -> tuple[int, ...]:
    kind = value.type.tensor_type
    if kind.elem_type != onnx.TensorProto.FLOAT:
        raise UnsupportedModelError(f"{label}: input {value.name!r} is no float32 tensor; float32 is accepted")
    dims = [int(d.dim_value) for d in kind.shape.dim]
    if not dims or any(d < 1 for d in dims):
        shown = [d.dim_value or d.dim_param or "?" for d in kind.shape.dim]
        raise UnsupportedModelError(f"{label}: input {value.name!r} has the dynamic shape {shown}; a static one is accepted, such as [1, 3, 32, 32]")
    if dims[0] != 1 or len(dims) not in (2, 3, 4):
        raise UnsupportedModelError(f"{label}: input {value.name!r} has shape {dims}; batch 1 and 2 to 4 axes are accepted")
    if prod(dims) > MAX_ELEMENTS:
        raise UnsupportedModelError(f"{label}: input {value.name!r} has {prod(dims)} elements; at most {MAX_ELEMENTS} are accepted")
    return tuple(dims)
