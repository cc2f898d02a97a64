"""``top.v``: one instance per hardware node, between an AXI4-Stream slave and a master port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xnorflow.hw.emit import names, verilog
from xnorflow.hw.folding.hardware import carriers, hardware_nodes

if TYPE_CHECKING:
    from xnorflow.hw.cell import Cell
    from xnorflow.hw.graph import Graph, HardwareNode

_CLOCK = {"clk_i": "ap_clk", "rst_ni": "ap_rst_n"}


def byte_width(bits: int) -> int:
    """Bits of an AXI4-Stream beat that carries ``bits``: whole bytes."""
    return (bits + 7) // 8 * 8


def top_text(graph: Graph, cells: dict[str, Cell], top: str) -> str:
    """The netlist as Verilog text, a function of its arguments alone.

    Args:
        graph: folded, with width converters and FIFOs.
        cells: the cell of each hardware node.
        top: name of the module, also the prefix of its memory files.
    """
    nodes = hardware_nodes(graph)
    in_bits = graph.types_of(nodes[0])[0].dtype.bits * nodes[0].in_lanes
    out_type = graph.streams[nodes[-1].outputs[0]]
    out_bits = out_type.dtype.bits * nodes[-1].out_lanes
    items = [*_nets("x_in", in_bits), _slave(in_bits)]
    ends = dict.fromkeys(graph.inputs, verilog.Stream("x_in", in_bits))
    carried = carriers(graph)
    for node in nodes:
        drive = f"n_{names.checked(node.name, 'node')}"
        bits, count = graph.streams[node.outputs[0]].dtype.bits * node.out_lanes, len(node.outputs)
        items += _nets(drive, bits * count, count)
        items.append(_cell(node, cells[node.name], top, _feeds([ends[carried[s]] for s in node.inputs]), _drives(drive)))
        ends |= {s: verilog.Stream(drive, bits, index if count > 1 else None) for index, s in enumerate(node.outputs)}
    items.append(_master(out_bits, out_type.size // nodes[-1].out_lanes, ends[carried[graph.outputs[0]]]))
    return verilog.module_text(names.checked(top, "top module"), _ports(in_bits, out_bits), items)


def _ports(in_bits: int, out_bits: int) -> list[Any]:
    return [
        verilog.port("input", "ap_clk"),
        verilog.port("input", "ap_rst_n"),
        verilog.port("input", "s_axis_tdata", byte_width(in_bits)),
        verilog.port("input", "s_axis_tvalid"),
        verilog.port("output", "s_axis_tready"),
        verilog.port("input", "s_axis_tlast"),
        verilog.port("output", "m_axis_tdata", byte_width(out_bits)),
        verilog.port("output", "m_axis_tvalid"),
        verilog.port("input", "m_axis_tready"),
        verilog.port("output", "m_axis_tlast"),
    ]


def _nets(prefix: str, bits: int, streams: int = 1) -> list[Any]:
    """The nets of a cell's output; those of several lie side by side, the first one lowest."""
    width = None if streams == 1 else streams
    return [verilog.wire(f"{prefix}_data", bits), verilog.wire(f"{prefix}_valid", width), verilog.wire(f"{prefix}_ready", width)]


def _slave(bits: int) -> Any:
    ports = {f"s_axis_{name}_{side}": f"s_axis_{name}" for name, side in (("tvalid", "i"), ("tready", "o"), ("tdata", "i"), ("tlast", "i"))}
    return verilog.instance("xf_axis_in", "x_axis_in", {"Width": bits, "ByteWidth": byte_width(bits)}, {**ports, **_drives("x_in")})


def _master(bits: int, beats: int, feed: verilog.Stream) -> Any:
    ports = {f"m_axis_{name}_{side}": f"m_axis_{name}" for name, side in (("tvalid", "o"), ("tready", "i"), ("tdata", "o"), ("tlast", "o"))}
    parameters = {"Width": bits, "ByteWidth": byte_width(bits), "Beats": beats}
    return verilog.instance("xf_axis_out", "x_axis_out", parameters, {**_CLOCK, **_feeds([feed]), **ports})


def _cell(node: HardwareNode, cell: Cell, top: str, feeds: dict[str, Any], drives: dict[str, Any]) -> Any:
    files = {name: names.memory_file(top, node.name, name) for name in cell.memories}
    return verilog.instance(
        names.checked(cell.module, "cell"),
        f"u_{node.name}",
        {**cell.parameters, **files},
        {**_CLOCK, **feeds, **drives},
    )


def _feeds(streams: list[verilog.Stream]) -> dict[str, Any]:
    """The input ports of a cell; those of several lie side by side, the first one lowest."""
    valid, ready = (verilog.joined([stream.bit(name) for stream in streams]) for name in ("valid", "ready"))
    return {"in_valid_i": valid, "in_ready_o": ready, "in_data_i": verilog.joined([stream.data() for stream in streams])}


def _drives(prefix: str) -> dict[str, str]:
    return {"out_valid_o": f"{prefix}_valid", "out_ready_i": f"{prefix}_ready", "out_data_o": f"{prefix}_data"}
