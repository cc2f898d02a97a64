"""Names and shapes for the QONNX file of an integer network."""

from __future__ import annotations

import warnings

import onnx

WRAPPERS = ("act_quant", "weight_quant", "export_handler")
INPUT, OUTPUT = "global_in", "global_out"


def tidy(model: onnx.ModelProto) -> onnx.ModelProto:
    """Name every node after its step, and every tensor after its node; drop constants nobody reads; infer shapes.

    qonnx's own clean-up renames one tensor at a time, each with a look at the whole graph: minutes for the thousand nodes of a large
    residual network. This is one pass.

    Args:
        model: what the exporter wrote, integer constants folded; changed.
    """
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    del model.graph.input[1:]  # the exporter lists constants there, too
    _rename(model.graph)
    read = {name for node in model.graph.node for name in node.input}
    constants = [tensor for tensor in model.graph.initializer if tensor.name in read]
    del model.graph.initializer[:], model.graph.value_info[:]
    model.graph.initializer.extend(constants)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = ModelWrapper(model).transform(InferShapes(), make_deepcopy=False, cleanup=False)
    shaped: onnx.ModelProto = wrapped.model
    return shaped


def _rename(graph: onnx.GraphProto) -> None:
    names = {graph.input[0].name: INPUT}
    constants = {tensor.name for tensor in graph.initializer}
    for node in graph.node:
        node.name = "/".join(part for part in node.name.split("/") if part and part not in WRAPPERS)
        for index, name in enumerate(node.output):
            names[name] = f"{node.name}_out{index}"
        for index, name in enumerate(node.input[1:], 1):
            if name in constants and name not in names:
                names[name] = f"{node.name}_param{index}"
        if node.input[0] in constants and node.input[0] not in names:
            names[node.input[0]] = f"{node.name}_param0"
    names[graph.output[0].name] = OUTPUT
    graph.input[0].name, graph.output[0].name = INPUT, OUTPUT
    for tensor in graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names[name] for name in node.output]
