"""Fold the integer arithmetic by which an exporter spells constants such as pads."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator


def fold_shapes(model: onnx.ModelProto) -> None:
    """Replace, in place, every node that computes integers from constants by its result.

    The exporter writes the pads of one ``Pad`` as seven such nodes, and the general folding of qonnx infers the shapes of the whole
    graph again for each: minutes for a residual network, where this takes one pass.

    Args:
        model: nodes in topological order.
    """
    known: dict[str, Any] = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    kept = []
    for node in model.graph.node:
        results = _results(node, known, opsets)
        if results is None:
            kept.append(node)
            continue
        known |= results
        model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in results.items())
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _results(node: onnx.NodeProto, known: dict[str, Any], opsets: dict[str, int]) -> dict[str, Any] | None:
    if node.domain or not all(name in known and known[name].dtype.kind == "i" for name in node.input if name):
        return None
    feed = {name: known[name] for name in node.input if name}
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape) for name, value in feed.items()
    ]
    # The outputs' types are not known, and not looked at.
    untyped = [onnx.helper.make_value_info(name, onnx.TypeProto()) for name in node.output]
    graph = onnx.helper.make_graph([node], "fold", inputs, untyped)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opsets[""])])
    outputs = ReferenceEvaluator(model).run(None, feed)
    results = {name: np.asarray(value) for name, value in zip(node.output, outputs, strict=True)}
    return results if all(value.dtype.kind == "i" for value in results.values()) else None
