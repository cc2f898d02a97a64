"""Our nodes as FINN hardware operators: one class per node, all alike, each around a dataflow graph of one node.

The operator ``Xf<Op>`` is abstract and FINN's specialisation makes ``Xf<Op>_rtl`` of it. What FINN asks (shapes, types, cycles,
resources, execution, HDL) is answered by the node itself, so nothing is written twice. Importing this module registers the
operators with FINN; :func:`xnorflow.flows.finn.shim.install` comes first where there is no Vivado.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import finn.custom_op.fpgadataflow as abstract_ops
import numpy as np
from finn.custom_op.fpgadataflow import rtl as rtl_ops
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend
from qonnx.core.datatype import DataType

from xnorflow.flows.finn import wrapper
from xnorflow.flows.finn.library import cell_files, library_folder, write_cell
from xnorflow.hw.emit.folder import memory_text
from xnorflow.hw.graph import Graph, HardwareNode, StreamType
from xnorflow.hw.interpreter import execute
from xnorflow.hw.nodes import NODES, Fifo
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.serialise import graph_from_json

if TYPE_CHECKING:
    from xnorflow.hw.cell import Cell, Resources

PREFIX = "Xf"
_EXACT_FLOAT32 = 1 << 24


@lru_cache(maxsize=512)
def _read(text: str) -> Graph:
    return graph_from_json(text, "operator")


class NodeOp(HWCustomOp):
    """The abstract operator: one of our nodes, with the types of the streams it reads.

    Attributes of the ONNX node: ``graph``, the one-node graph as JSON; ``PE`` and ``SIMD`` of a matrix-vector node, 0 for what
    the graph says; ``zero_and_one`` where FINN's tensors hold the bits of a BIPOLAR input, as behind its own XNOR operators.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        ours = {"graph": ("s", True, ""), "PE": ("i", False, 0), "SIMD": ("i", False, 0), "zero_and_one": ("i", False, 0)}
        return {**super().get_nodeattr_types(), **ours}

    @cached_property
    def one(self) -> Graph:
        """The one-node graph, folded as the attributes say."""
        graph = _read(self.get_nodeattr("graph"))
        (node,) = graph.nodes
        pe, simd = self.get_nodeattr("PE"), self.get_nodeattr("SIMD")
        if isinstance(node, MatVec) and (pe, simd) not in ((0, 0), (node.pe, node.simd)):
            return graph.with_nodes([replace(node, pe=pe or node.pe, simd=simd or node.simd)])
        return graph

    def set_nodeattr(self, name: str, value: Any) -> None:
        super().set_nodeattr(name, value)
        if name in ("graph", "PE", "SIMD"):
            self.__dict__.pop("one", None)

    @property
    def hardware(self) -> HardwareNode:
        """The node."""
        (node,) = self.one.nodes
        assert isinstance(node, HardwareNode)
        return node

    def stream_in(self, ind: int) -> StreamType:
        """What input ``ind`` carries, as the node sees it: behind a Flatten, flat."""
        return self.one.streams[self.hardware.inputs[ind]]

    def stream_out(self, ind: int) -> StreamType:
        """What output ``ind`` carries."""
        return self.one.streams[self.hardware.outputs[ind]]

    def get_input_datatype(self, ind: int = 0) -> Any:
        return DataType["BINARY" if self.get_nodeattr("zero_and_one") else self.stream_in(ind).dtype.name]

    def get_output_datatype(self, ind: int = 0) -> Any:
        return DataType[self.stream_out(ind).dtype.name]

    def get_normal_input_shape(self, ind: int = 0) -> list[int]:
        return [1, *self.stream_in(ind).shape]

    def get_normal_output_shape(self, ind: int = 0) -> list[int]:
        return [1, *self.stream_out(ind).shape]

    def get_folded_input_shape(self, ind: int = 0) -> list[int]:
        return [1, self.stream_in(ind).beats(self.hardware.in_lanes), self.hardware.in_lanes]

    def get_folded_output_shape(self, ind: int = 0) -> list[int]:
        return [1, self.stream_out(ind).beats(self.hardware.out_lanes), self.hardware.out_lanes]

    def get_instream_width(self, ind: int = 0) -> int:
        return self.stream_in(ind).dtype.bits * self.hardware.in_lanes

    def get_outstream_width(self, ind: int = 0) -> int:
        return self.stream_out(ind).dtype.bits * self.hardware.out_lanes

    def make_shape_compatible_op(self, model: Any) -> Any:
        compatible = super().make_shape_compatible_op(model)
        compatible.output[:] = self.onnx_node.output
        return compatible

    def infer_node_datatype(self, model: Any) -> None:
        for ind, name in enumerate(self.onnx_node.output):
            model.set_tensor_datatype(name, self.get_output_datatype(ind))

    def get_exp_cycles(self) -> int:
        return int(self.hardware.timing(self.kinds).interval)

    @property
    def kinds(self) -> tuple[StreamType, ...]:
        """Types of all inputs."""
        return self.one.types_of(self.hardware)

    @property
    def resources(self) -> Resources:
        """Our estimate for xc7."""
        return self.hardware.resources(self.kinds)

    def lut_estimation(self, fpgapart: str) -> int:
        return round(self.resources.lut)

    def bram_estimation(self, fpgapart: str) -> int:
        return self.resources.bram18

    def dsp_estimation(self, fpgapart: str) -> int:
        return self.resources.dsp

    def get_op_and_param_counts(self) -> dict[str, int]:
        node = self.hardware
        if not isinstance(node, MatVec):
            return {}
        x, w = self.stream_in(0).dtype.bits, node.weight_type.bits
        macs = prod(self.stream_in(0).shape[:-1]) * node.mh * node.mw
        return {f"op_mac_{x}bx{w}b": macs, f"param_weight_{w}b": node.mh * node.mw}

    def verify_node(self) -> list[str]:
        return []

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """The interpreter's integers, on whatever number of frames; floats only because QONNX keeps tensors so."""
        frames = {}
        for ind, (name, tensor) in enumerate(zip(self.hardware.inputs, self.onnx_node.input, strict=True)):
            values = context[tensor].astype(np.int64).reshape(-1, *self.stream_in(ind).shape)
            frames[name] = 2 * values - 1 if self.get_nodeattr("zero_and_one") else values
        results = execute(self.one, frames)
        for name, tensor in zip(self.hardware.outputs, self.onnx_node.output, strict=True):
            values = results[name]
            context[tensor] = values.astype(np.float32 if np.abs(values).max(initial=0) < _EXACT_FLOAT32 else np.float64)


class NodeOpRtl(NodeOp, RTLBackend):
    """The operator that FINN builds: a wrapper with FINN's ports around our cell, and its memory images."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        return {**NodeOp.get_nodeattr_types(self), **RTLBackend.get_nodeattr_types(self)}

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        NodeOp.execute_node(self, context, graph)

    @property
    def cell(self) -> Cell:
        """Our cell."""
        return self.hardware.cell(self.kinds)

    @property
    def folder(self) -> Path:
        """Where this node's files are."""
        return Path(self.get_nodeattr("code_gen_dir_ipgen"))

    def generate_hdl(self, model: Any, fpgapart: str, clk: float) -> None:
        """Write the wrapper and the memory images, and the library cells that no node before has needed."""
        module, cell = self.get_verilog_top_module_name(), self.cell
        self.set_nodeattr("gen_top_module", module)
        ins = tuple(self.get_instream_width(i) for i in range(len(self.onnx_node.input)))
        beats = [(self.get_outstream_width(i), self.get_number_output_values()) for i in range(len(self.onnx_node.output))]
        (self.folder / f"{module}.v").write_text(wrapper.wrapper_text(module, cell, ins, tuple(beats)), encoding="ascii")
        for parameter, memory in cell.memories.items():
            (self.folder / wrapper.memory_name(module, parameter)).write_text(memory_text(memory), encoding="ascii")
        write_cell(cell, fpgapart)
        for attribute in ("ipgen_path", "ip_path"):
            self.set_nodeattr(attribute, str(self.folder))

    def get_rtl_file_list(self, abspath: bool = False) -> list[str]:
        names = cell_files(self.cell)
        top = f"{self.get_nodeattr('gen_top_module')}.v"
        return [*(str(library_folder() / name) for name in names), str(self.folder / top)] if abspath else [*names, top]

    def memory_files(self) -> list[Path]:
        """The memory images that the wrapper reads."""
        return [self.folder / wrapper.memory_name(self.get_nodeattr("gen_top_module"), parameter) for parameter in self.cell.memories]

    def code_generation_ipi(self) -> list[str]:
        files = [*self.get_rtl_file_list(abspath=True), *map(str, self.memory_files())]
        instance = f"create_bd_cell -type module -reference {self.get_nodeattr('gen_top_module')} {self.onnx_node.name}"
        return [*(f"add_files -norecurse {name}" for name in files), instance]


def operator_name(node: HardwareNode) -> str:
    """Type of a node's abstract operator."""
    return PREFIX + node.op


def _register() -> None:
    for op, node in NODES.items():
        if issubclass(node, HardwareNode) and node is not Fifo:  # a FIFO becomes FINN's own
            abstract_ops.register_custom_op(type(f"{PREFIX}{op}", (NodeOp,), {"__doc__": node.__doc__}))
            rtl_ops.register_custom_op(type(f"{PREFIX}{op}_rtl", (NodeOpRtl,), {"__doc__": node.__doc__}))


_register()
