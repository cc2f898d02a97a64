"""A folded dataflow graph as a FINN model: one operator a node, depths of FIFOs as FINN's attributes, Flattens as nothing."""

from __future__ import annotations

from typing import Any

from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from xnorflow.flows.finn.ops import PREFIX, operator_name
from xnorflow.hw.folding.hardware import carriers, hardware_nodes
from xnorflow.hw.graph import Graph, HardwareNode, StreamType
from xnorflow.hw.nodes.fifo import MIN_DEPTH
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.serialise import graph_to_json

_DOMAIN = "finn.custom_op.fpgadataflow"


def finn_model(graph: Graph, depths: dict[str, int]) -> ModelWrapper:
    """The graph as FINN's hardware layers, not specialised yet.

    Args:
        graph: folded, with its width converters, without FIFOs.
        depths: of FINN's FIFOs, by the streams that fill them; the shallowest on the others.
    """
    nodes, source = hardware_nodes(graph), carriers(graph)
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


def _tensor(graph: Graph, stream: str) -> Any:
    return helper.make_tensor_value_info(stream, TensorProto.FLOAT, [1, *graph.streams[stream].shape])


def one_node_graph(node: HardwareNode, ins: tuple[StreamType, ...]) -> str:
    """What an operator keeps in its attribute ``graph``: the node and the types of its inputs."""
    return graph_to_json(Graph(dict(zip(node.inputs, ins, strict=True)), (node,), node.outputs))


def _operator(graph: Graph, node: HardwareNode, source: dict[str, str], depths: dict[str, int]) -> Any:
    folding = {"PE": node.pe, "SIMD": node.simd} if isinstance(node, MatVec) else {}
    return helper.make_node(
        operator_name(node),
        [source[s] for s in node.inputs],
        list(node.outputs),
        name=node.name,
        domain=_DOMAIN,
        backend="fpgadataflow",
        graph=one_node_graph(node, graph.types_of(node)),
        inFIFODepths=[MIN_DEPTH] * len(node.inputs),
        outFIFODepths=[depths.get(s, MIN_DEPTH) for s in node.outputs],
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
