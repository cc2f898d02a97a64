"""Our XNOR cells in a FINN user's own build, in place of the HLS ones: a step for ``inject_steps_after``.

    DataflowBuildConfig(..., inject_steps_after={"step_apply_folding_config": ["xnorflow.flows.finn.inject.step_xnor_operators"]})

FINN has chosen PE and SIMD by then, for it folds no operator that it does not know.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper
from qonnx.core.datatype import DataType
from qonnx.custom_op.registry import getCustomOp

from xnorflow.flows.finn.convert import one_node_graph
from xnorflow.flows.finn.ops import PREFIX
from xnorflow.hw.graph import HardwareNode, StreamType
from xnorflow.hw.nodes import Affine, Threshold, XnorMatVec
from xnorflow.hw.types import BIPOLAR, IntType

if TYPE_CHECKING:
    from qonnx.core.modelwrapper import ModelWrapper

    from xnorflow.hw.types import IntArray

_DOMAIN = "finn.custom_op.fpgadataflow.rtl"
_log = logging.getLogger("xnorflow")


def step_xnor_operators(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Replace every MVAU_hls of one-bit weights and inputs by XfXnorMatVec_rtl and what follows it: thresholds, or the popcount.

    An MVAU whose weights are no constants, or whose vectors lie in no ``(H, W)`` grid, stays as it is, and the log says so.
    """
    for node in list(model.graph.node):
        if node.op_type == "MVAU_hls":
            mvau = getCustomOp(node)
            if _is_binary(mvau):
                _replace(model, node, mvau)
    return model


def _is_binary(mvau: Any) -> bool:
    kinds = (mvau.get_nodeattr("inputDataType"), mvau.get_nodeattr("weightDataType"))
    return bool(mvau.get_nodeattr("binaryXnorMode")) or kinds == ("BIPOLAR", "BIPOLAR")


def _replace(model: ModelWrapper, node: Any, mvau: Any) -> None:
    weights = model.get_initializer(node.input[1])
    shape = tuple(int(d) for d in mvau.get_normal_input_shape())
    if weights is None or len(shape) not in (2, 4) or shape[0] != 1:
        _log.warning("%s stays in HLS: vectors %s, weights %s", node.name, shape, "no constant" if weights is None else "constant")
        return
    codes = np.asarray(weights).T.astype(np.int64)
    signs = codes if mvau.get_nodeattr("weightDataType") == "BIPOLAR" else 2 * codes - 1
    pe, simd = mvau.get_nodeattr("PE"), mvau.get_nodeattr("SIMD")
    kind = StreamType(shape[1:], BIPOLAR)
    product = XnorMatVec(name="product", inputs=("x",), outputs=("acc",), weights=signs, weight_type=BIPOLAR, pe=pe, simd=simd)
    (sums,) = product.infer((kind,))
    after = _popcount(mvau, pe) if mvau.get_nodeattr("noActivation") else _thresholds(mvau, model.get_initializer(node.input[2]), pe)
    between = model.make_new_valueinfo_name()
    model.set_tensor_shape(between, [1, *sums.shape])
    model.set_tensor_datatype(between, DataType[sums.dtype.name])
    index = model.get_node_index(node)
    zero_and_one = {"zero_and_one": int(mvau.get_nodeattr("inputDataType") != "BIPOLAR")}
    made = [_operator(product, kind, node.input[0], between, zero_and_one), _operator(after, sums, between, node.output[0], {})]
    model.graph.node.remove(node)
    for place, operator in enumerate(made):
        operator.name = f"{node.name}_{operator.op_type}"
        model.graph.node.insert(index + place, operator)


def _thresholds(mvau: Any, thresholds: Any, lanes: int) -> Threshold:
    """FINN compares the popcount p, and the sum is ``2p - MW``; a threshold that is no integer is the next one above."""
    out = IntType.parse(_name(mvau.get_nodeattr("outputDataType")))
    rows: IntArray = np.broadcast_to(np.ceil(thresholds), (mvau.get_nodeattr("MH"), thresholds.shape[1])).astype(np.int64)
    base, step = (-1, 2) if out.bipolar else (mvau.get_nodeattr("ActVal"), 1)
    levels = 2 * rows - mvau.get_nodeattr("MW")
    still = np.zeros(len(rows), dtype=np.bool_)
    return Threshold(
        name="thresholds", inputs=("acc",), outputs=("y",), thresholds=levels, negate=still, base=base, step=step, out_type=out, lanes=lanes
    )


def _popcount(mvau: Any, lanes: int) -> Affine:
    """``(acc + MW) >> 1``."""
    mh = mvau.get_nodeattr("MH")
    ones, add = np.ones((mh, 1), dtype=np.int64), np.full((mh, 1), mvau.get_nodeattr("MW"), dtype=np.int64)
    out = IntType.parse(_name(mvau.get_nodeattr("outputDataType")))
    knee = np.zeros(0, dtype=np.int64)
    return Affine(name="popcount", inputs=("acc",), outputs=("y",), mul=ones, add=add, knee=knee, shift=1, out_type=out, lanes=lanes)


def _name(kind: str) -> str:
    """QONNX's name of a type, as ours; it calls UINT1 by another."""
    return "UINT1" if kind == "BINARY" else kind


def _operator(node: HardwareNode, kind: StreamType, source: str, target: str, attributes: dict[str, int]) -> Any:
    text = one_node_graph(node, (kind,))
    return helper.make_node(f"{PREFIX}{node.op}_rtl", [source], [target], domain=_DOMAIN, backend="fpgadataflow", graph=text, **attributes)
