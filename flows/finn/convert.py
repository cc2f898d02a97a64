"""A folded dataflow graph as a FINN model: one operator a node, depths of FIFOs as FINN's attributes, Flattens as nothing."""

from __future__ import annotations

from typing import Any

from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from xnorflow.flows.finn.ops import PREFIX, operator_name
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.graph import Graph, HardwareNode
from xnorflow.hw.nodes import Fifo, Flatten
from xnorflow.hw.nodes.fifo import MIN_DEPTH
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.serialise import graph_to_json

_DOMAIN = "finn.custom_op.fpgadataflow"


def finn_model(graph: Graph) -> ModelWrapper:
    """The graph as FINN's hardware layers, not specialised yet.

    Args:
        graph: folded, with its width converters and FIFOs.
    """
    nodes = [node for node in hardware_nodes(graph) if not isinstance(node, Fifo)]
    source = _sources(graph)
    depths = {source[node.inputs[0]]: node.depth for node in graph.nodes if isinstance(node, Fifo)}
    (inp,), (out,) = graph.inputs, graph.outputs
    body = helper.make_graph(
        [_operator(graph, node, source, depths) for node in nodes],
        "xnorflow",
        [_tensor(graph, inp)],
        [_tensor(graph, source[out])],
        value_info=[_tensor(graph, s) for node in nodes for s in node.outputs if s != source[out]],
    )
    model = ModelWrapper(qonnx_make_model(body, producer_name="xnorflow"))
    for stream in (inp, *(s for node in nodes for s in node.outputs)):
        model.set_tensor_datatype(stream, DataType[graph.streams[stream].dtype.name])
    return model


def _sources(graph: Graph) -> dict[str, str]:
    """Every stream -> the stream that is a tensor in FINN's model: neither a Flatten nor a Fifo makes one."""
    found = {name: name for name in graph.inputs}
    for node in graph.nodes:
        for stream in node.outputs:
            found[stream] = found[node.inputs[0]] if isinstance(node, Fifo | Flatten) else stream
    return found


def _tensor(graph: Graph, stream: str) -> Any:
    return helper.make_tensor_value_info(stream, TensorProto.FLOAT, [1, *graph.streams[stream].shape])


def _operator(graph: Graph, node: HardwareNode, source: dict[str, str], depths: dict[str, int]) -> Any:
    alone = Graph(dict(zip(node.inputs, graph.types_of(node), strict=True)), (node,), node.outputs)
    folding = {"PE": node.pe, "SIMD": node.simd} if isinstance(node, MatVec) else {}
    return helper.make_node(
        operator_name(node),
        [source[s] for s in node.inputs],
        list(node.outputs),
        name=node.name,
        domain=_DOMAIN,
        backend="fpgadataflow",
        graph=graph_to_json(alone),
        inFIFODepths=[MIN_DEPTH] * len(node.inputs),
        outFIFODepths=[max(MIN_DEPTH, depths.get(s, 0)) for s in node.outputs],
        **folding,
    )


def our_names(model: ModelWrapper) -> dict[str, str]:
    """FINN's name of each of our operators -> the name of the node in the dataflow graph."""
    ours = (node for node in model.graph.node if node.op_type.startswith(PREFIX))
    return {node.name: getCustomOp(node).hardware.name for node in ours}


def folding_record(model: ModelWrapper) -> dict[str, Any]:
    """The folding of a specialised model as FINN's record, by FINN's names."""
    record: dict[str, Any] = {"Defaults": {}}
    for node in model.graph.node:
        if node.op_type.startswith(PREFIX):
            inst = getCustomOp(node)
            if isinstance(inst.hardware, MatVec):
                record[node.name] = {"PE": inst.hardware.pe, "SIMD": inst.hardware.simd}
    return record
