"""The nodes that FINN's builder generated, wired by their streams as its block design would be, for simulation: ``finn_top.v``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qonnx.custom_op.registry import getCustomOp

from xnorflow.flows.finn.library import TREES
from xnorflow.flows.finn.ops import PREFIX
from xnorflow.flows.finn.settings import TOP
from xnorflow.hw.emit import names, verilog
from xnorflow.hw.emit.folder import PORT_CELLS, XC7_HEAD, library_sources

if TYPE_CHECKING:
    from qonnx.core.modelwrapper import ModelWrapper

_FIFO_STRUCT = "typedef struct {"


def write_stitched(model: ModelWrapper, folder: Path, out_beats: int) -> None:
    """Write ``finn_top.v`` with AXI4-Stream ports as our own tops have, and every source under ``rtl/``.

    FINN's sources are copied as they are but for one word: its ``fifo.sv`` packs a structure, because Verilator takes no
    function that returns an unpacked one for a constant. Our cells are told nothing of the 7 series: simulators know no primitives.

    Args:
        model: after FINN's step_set_fifo_depths.
        folder: made if it is missing.
        out_beats: beats of a frame that leave.
    """
    (folder / "rtl").mkdir(parents=True, exist_ok=True)
    for path in _sources(model):
        text = path.read_text(encoding="utf-8")
        if path.name == "fifo.sv":
            assert text.count(_FIFO_STRUCT) == 1, f"{path} is of another version than finn-plus 1.6.1"
            text = text.replace(_FIFO_STRUCT, "typedef struct packed {")
        (folder / "rtl" / f"{path.stem}.sv").write_text(text.removeprefix(XC7_HEAD), encoding="utf-8")
    for name, text in library_sources(set(PORT_CELLS)).items():
        (folder / "rtl" / f"{name}.sv").write_text(text, encoding="utf-8")
    (folder / f"{TOP}.v").write_text(_top(model, out_beats), encoding="ascii")


def _sources(model: ModelWrapper) -> list[Path]:
    """The RTL of every node, once each, without trees for xc7; the gauge that FINN lists beside its FIFO is for Vivado's simulator."""
    found = {Path(name).resolve() for node in model.graph.node for name in getCustomOp(node).get_rtl_file_list(abspath=True)}
    return sorted(path for path in found if path.name not in ("fifo_gauge.sv", TREES))


def _top(model: ModelWrapper, out_beats: int) -> str:
    (inp,), (out,) = model.graph.input, model.graph.output
    widths = {inp.name: getCustomOp(model.find_consumer(inp.name)).get_instream_width_padded()}
    for node in model.graph.node:
        widths |= {s: getCustomOp(node).get_outstream_width_padded(i) for i, s in enumerate(node.output)}
    nets = {stream: f"n_{i}" for i, stream in enumerate(widths)}
    items: list[Any] = []
    for stream, net in nets.items():
        items += [verilog.wire(f"{net}_data", widths[stream]), verilog.wire(f"{net}_valid"), verilog.wire(f"{net}_ready")]
    items.append(_slave(nets[inp.name], widths[inp.name]))
    for node in model.graph.node:
        items += _instance(node, nets)
    items.append(_master(nets[out.name], widths[out.name], out_beats))
    return verilog.module_text(TOP, _ports(widths[inp.name], widths[out.name]), items)


def _ports(ins: int, outs: int) -> list[Any]:
    inputs = ("ap_clk", "ap_rst_n", "s_axis_tvalid", "s_axis_tlast", "m_axis_tready")
    ports = [verilog.port("input", name) for name in inputs]
    ports += [verilog.port("output", name) for name in ("s_axis_tready", "m_axis_tvalid", "m_axis_tlast")]
    return [*ports, verilog.port("input", "s_axis_tdata", ins), verilog.port("output", "m_axis_tdata", outs)]


def _slave(net: str, bits: int) -> Any:
    ports = {f"s_axis_{name}_{side}": f"s_axis_{name}" for name, side in (("tvalid", "i"), ("tready", "o"), ("tdata", "i"), ("tlast", "i"))}
    ports |= {"out_valid_o": f"{net}_valid", "out_ready_i": f"{net}_ready", "out_data_o": f"{net}_data"}
    return verilog.instance("xf_axis_in", "x_axis_in", {"Width": bits, "ByteWidth": bits}, ports)


def _master(net: str, bits: int, beats: int) -> Any:
    ports = {f"m_axis_{name}_{side}": f"m_axis_{name}" for name, side in (("tvalid", "o"), ("tready", "i"), ("tdata", "o"), ("tlast", "o"))}
    ports |= {"clk_i": "ap_clk", "rst_ni": "ap_rst_n", "in_valid_i": f"{net}_valid", "in_ready_o": f"{net}_ready", "in_data_i": f"{net}_data"}
    return verilog.instance("xf_axis_out", "x_axis_out", {"Width": bits, "ByteWidth": bits, "Beats": beats}, ports)


def _instance(node: Any, nets: dict[str, str]) -> list[Any]:
    name = names.checked(node.name, "node")
    ports = {"ap_clk": "ap_clk", "ap_rst_n": "ap_rst_n"}
    for side, streams in (("in", node.input), ("out", node.output)):
        for i, stream in enumerate(streams):
            ports |= {f"{side}{i}_V_{port}": f"{nets[stream]}_{net}" for port, net in (("TDATA", "data"), ("TVALID", "valid"), ("TREADY", "ready"))}
    if node.op_type.startswith(PREFIX):
        return [verilog.instance(name, f"u_{name}", {}, ports)]
    counts = {port: f"c_{name}_{port}" for port in ("count", "maxcount")}  # what FINN's FIFO also tells
    wires = [verilog.wire(net, 32) for net in counts.values()]
    return [*wires, verilog.instance(name, f"u_{name}", {}, {**ports, **counts})]
