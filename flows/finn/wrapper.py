"""One library cell as a module with FINN's ports: ``ap_clk``, ``ap_rst_n``, ``in<i>_V_*`` and ``out<i>_V_*`` of whole bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xnorflow.hw.emit import names, verilog
from xnorflow.hw.emit.netlist import byte_width

if TYPE_CHECKING:
    from xnorflow.hw.cell import Cell

_CLOCK = {"clk_i": "ap_clk", "rst_ni": "ap_rst_n"}


def memory_name(module: str, parameter: str) -> str:
    """File of a cell's memory image, beside its wrapper; unique in a project, for Vivado finds memory images by their names."""
    return f"{names.checked(module, 'module')}_{names.checked(parameter, 'parameter').lower()}.mem"


def wrapper_text(module: str, cell: Cell, ins: tuple[int, ...], outs: tuple[tuple[int, int], ...]) -> str:
    """The wrapper as Verilog-2001 text, which Vivado's block designs can reference.

    Args:
        module: its name.
        cell: the instance inside.
        ins: bits of a beat at each input.
        outs: bits of a beat, and beats a frame, at each output.
    """
    items: list[Any] = []
    feeds = [verilog.Stream(f"x_in{i}", bits) for i, bits in enumerate(ins)]
    for i, bits in enumerate(ins):
        items += [*_nets(f"x_in{i}", bits), _slave(i, bits)]
    count, width = len(outs), outs[0][0]
    items += _nets("x_out", width * count, None if count == 1 else count)
    items.append(_cell(module, cell, feeds))
    for i, (bits, beats) in enumerate(outs):
        items += [verilog.wire(f"x_last{i}"), _master(i, bits, beats, verilog.Stream("x_out", bits, i if count > 1 else None))]
    text = verilog.module_text(names.checked(module, "module"), _ports(ins, outs), items)
    return text.replace("input ap_clk", f"{_attributes(len(ins), count)}\n  input ap_clk", 1)


def _attributes(ins: int, outs: int) -> str:
    """What tells Vivado which clock and reset the streams belong to."""
    streams = ":".join([f"in{i}_V" for i in range(ins)] + [f"out{i}_V" for i in range(outs)])
    return f'(* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF {streams}, ASSOCIATED_RESET ap_rst_n" *)'


def _ports(ins: tuple[int, ...], outs: tuple[tuple[int, int], ...]) -> list[Any]:
    ports = [verilog.port("input", "ap_clk"), verilog.port("input", "ap_rst_n")]
    for i, bits in enumerate(ins):
        ports += [verilog.port("input", f"in{i}_V_TDATA", byte_width(bits)), verilog.port("input", f"in{i}_V_TVALID")]
        ports.append(verilog.port("output", f"in{i}_V_TREADY"))
    for i, (bits, _) in enumerate(outs):
        ports += [verilog.port("output", f"out{i}_V_TDATA", byte_width(bits)), verilog.port("output", f"out{i}_V_TVALID")]
        ports.append(verilog.port("input", f"out{i}_V_TREADY"))
    return ports


def _nets(prefix: str, bits: int, width: int | None = None) -> list[Any]:
    return [verilog.wire(f"{prefix}_data", bits), verilog.wire(f"{prefix}_valid", width), verilog.wire(f"{prefix}_ready", width)]


def _slave(index: int, bits: int) -> Any:
    port, net = f"in{index}_V", f"x_in{index}"
    ports = {"s_axis_tvalid_i": f"{port}_TVALID", "s_axis_tready_o": f"{port}_TREADY", "s_axis_tdata_i": f"{port}_TDATA"}
    ports |= {"s_axis_tlast_i": f"{port}_TVALID"}  # it is ignored, and FINN's streams have none
    ports |= {"out_valid_o": f"{net}_valid", "out_ready_i": f"{net}_ready", "out_data_o": f"{net}_data"}
    return verilog.instance("xf_axis_in", f"x_axis_in{index}", {"Width": bits, "ByteWidth": byte_width(bits)}, ports)


def _master(index: int, bits: int, beats: int, stream: verilog.Stream) -> Any:
    port = f"out{index}_V"
    ports: dict[str, Any] = {**_CLOCK, "in_valid_i": stream.bit("valid"), "in_ready_o": stream.bit("ready"), "in_data_i": stream.data()}
    ports |= {"m_axis_tvalid_o": f"{port}_TVALID", "m_axis_tready_i": f"{port}_TREADY", "m_axis_tdata_o": f"{port}_TDATA"}
    ports |= {"m_axis_tlast_o": f"x_last{index}"}
    return verilog.instance("xf_axis_out", f"x_axis_out{index}", {"Width": bits, "ByteWidth": byte_width(bits), "Beats": beats}, ports)


def _cell(module: str, cell: Cell, feeds: list[verilog.Stream]) -> Any:
    files = {name: f"./{memory_name(module, name)}" for name in cell.memories}
    valid, ready = (verilog.joined([feed.bit(name) for feed in feeds]) for name in ("valid", "ready"))
    ports: dict[str, Any] = {**_CLOCK, "in_valid_i": valid, "in_ready_o": ready, "in_data_i": verilog.joined([feed.data() for feed in feeds])}
    ports |= {"out_valid_o": "x_out_valid", "out_ready_i": "x_out_ready", "out_data_o": "x_out_data"}
    return verilog.instance(names.checked(cell.module, "cell"), "u_cell", {**cell.parameters, **files}, ports)
