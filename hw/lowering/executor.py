"""Execute single nodes as qonnx does: QONNX's own classes for its operators, ONNX Runtime for the others.

qonnx's ``execute_onnx`` wants a static batch and one ONNX Runtime session per call and node; this runs the same two
engines on any batch and keeps the sessions, so that thousands of images take seconds.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from qonnx.custom_op.registry import getCustomOp

from xnorflow.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.chain import AnyArray

QONNX_DOMAIN = "qonnx.custom_op.general"
QONNX_OPS = ("BipolarQuant", "IntQuant", "Quant", "Trunc")
_QONNX_WORDS = ("qonnx", "finn", "brevitas")
_FATAL_ONLY = 4


class Executor:
    """Runs nodes of one model.

    Args:
        opsets: domain -> version, as in the model.
    """

    def __init__(self, opsets: Mapping[str, int]) -> None:
        self._opset = opsets.get("", opsets.get("ai.onnx", 13))
        self._qonnx = next((v for d, v in opsets.items() if any(word in d for word in _QONNX_WORDS)), 1)
        self._sessions: dict[Any, Any] = {}

    def run(self, node: Any, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Outputs of a node by name.

        Raises:
            UnsupportedModelError: the engine refuses the node.
        """
        try:
            if node.op_type in QONNX_OPS:
                return self._run_qonnx(node, inputs)
            return self._run_onnx(node, inputs)
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise UnsupportedModelError(f"node {node_label(node)}: {node.op_type} cannot be executed: {reason}") from error

    def _run_qonnx(self, node: Any, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        plain = onnx.NodeProto()
        plain.CopyFrom(node)
        plain.domain = QONNX_DOMAIN
        context = dict(inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getCustomOp(plain, onnx_opset_version=self._qonnx).execute_node(context, None)
        return {node.output[0]: np.asarray(context[node.output[0]], dtype=np.float32)}

    def _run_onnx(self, node: Any, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        feed = {name: inputs[name] for name in node.input if name}
        key = (node.SerializeToString(), tuple((name, array.dtype.str) for name, array in feed.items()))
        if key not in self._sessions:
            self._sessions[key] = self._session(node, feed)
        names = [name for name in node.output if name]
        return dict(zip(names, self._sessions[key].run(names, feed), strict=True))

    def _session(self, node: Any, feed: Mapping[str, AnyArray]) -> Any:
        ins = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), [None] * a.ndim) for n, a in feed.items()]
        outs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        model = helper.make_model(helper.make_graph([node], "node", ins, outs), opset_imports=[helper.make_opsetid("", self._opset)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _FATAL_ONLY
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"], enable_fallback=0)


def printable(text: str) -> str:
    """Text of a file for a message of one line."""
    return "".join(c if c.isprintable() else "?" for c in text)


def node_label(node: Any) -> str:
    """How messages call a node of a file: its name, or what it makes where it has none."""
    return repr(str(node.name)) if node.name else f"that makes {str(node.output[0])!r}"
