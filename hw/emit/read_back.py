"""Reads a generated netlist with pyverilog and holds it to the dataflow graph: cells, parameters, connections, and one driver for every bit."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from xnorflow.errors import CheckFailedError
from xnorflow.hw.emit import names
from xnorflow.hw.folding.hardware import carriers, hardware_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xnorflow.hw.graph import Graph, HardwareNode

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ResourceWarning)  # pyverilog leaves its VERSION file open
    from pyverilog.vparser import ast
    from pyverilog.vparser.parser import VerilogParser

Bit = tuple[str, int]
_STREAM = ("valid", "ready", "data")


@dataclass(frozen=True)
class Instance:
    """One cell of a netlist.

    Attributes:
        module: that it is an instance of.
        parameters: by name, texts without their quotes.
        ports: by name, the bits of nets that are connected, lowest first.
    """

    module: str
    parameters: Mapping[str, int | str]
    ports: Mapping[str, tuple[Bit, ...]]


@dataclass(frozen=True)
class Netlist:
    """What a structural module says.

    Attributes:
        inputs, outputs: width of each port.
        wires: width of each net.
        instances: by name.
    """

    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    wires: Mapping[str, int]
    instances: Mapping[str, Instance]


def read_back(text: str) -> Netlist:
    """Parse the text of one structural Verilog-2001 module, as :func:`xnorflow.hw.emit.verilog.module_text` makes it."""
    lines = (line for line in text.splitlines() if not line.startswith("`"))
    (module,) = _parser().parse("\n".join(lines), debug=0).description.definitions
    ports = [port.first for port in module.portlist.ports]
    inputs, outputs = ({p.name: _width(p) for p in ports if isinstance(p, kind)} for kind in (ast.Input, ast.Output))
    wires = {net.name: _width(net) for item in module.items if isinstance(item, ast.Decl) for net in item.list}
    widths = {**inputs, **outputs, **wires}
    cells = (cell for item in module.items if isinstance(item, ast.InstanceList) for cell in item.instances)
    return Netlist(inputs, outputs, wires, {cell.name: _instance(cell, widths) for cell in cells})


@cache
def _parser() -> Any:
    """The one parser: the tables of its grammar, which it writes to a folder that does not stay, take longer than most netlists."""
    with tempfile.TemporaryDirectory() as scratch:
        return VerilogParser(outputdir=scratch, debug=False)


def check_read_back(netlist: Netlist, graph: Graph, top: str) -> None:
    """Hold a netlist to the graph that it was made of.

    Args:
        netlist: of the graph, read back.
        graph: folded, with width converters and FIFOs.
        top: prefix of its memory images.

    Raises:
        CheckFailedError: a cell, a parameter or a connection is another one, or a bit has not exactly one driver and one reader.
    """
    nodes = {f"u_{node.name}": node for node in hardware_nodes(graph)}
    if set(netlist.instances) != {*nodes, "x_axis_in", "x_axis_out"}:
        raise CheckFailedError(f"netlist {top} has other cells than its graph: {sorted(set(netlist.instances) ^ set(nodes))}")
    streams = _streams(graph)
    for name, node in nodes.items():
        _check_cell(name, netlist.instances[name], node, graph, top)
        _check_connections(name, netlist.instances[name], node, graph, streams)
    _check_drivers(netlist)


def _streams(graph: Graph) -> dict[str, dict[str, tuple[Bit, ...]]]:
    """The bits of each stream that a cell makes, or that comes in."""
    found = {stream: {kind: _bits(f"x_in_{kind}", 0, 1) for kind in _STREAM[:2]} for stream in graph.inputs}
    first = hardware_nodes(graph)[0]
    for stream, nets in found.items():
        nets["data"] = _bits("x_in_data", 0, first.in_lanes * graph.streams[stream].dtype.bits)
    for node in hardware_nodes(graph):
        for index, stream in enumerate(node.outputs):
            width = node.out_lanes * graph.streams[stream].dtype.bits
            found[stream] = {kind: _bits(f"n_{node.name}_{kind}", index, 1) for kind in _STREAM[:2]}
            found[stream]["data"] = _bits(f"n_{node.name}_data", index * width, width)
    return found


def _check_cell(name: str, made: Instance, node: HardwareNode, graph: Graph, top: str) -> None:
    cell = node.cell(graph.types_of(node))
    wanted = {**cell.parameters, **{parameter: names.memory_file(top, node.name, parameter) for parameter in cell.memories}}
    if made.module != cell.module or made.parameters != wanted:
        raise CheckFailedError(f"netlist {top}: {name} is {made.module} {dict(made.parameters)}, not {cell.module} {wanted}")


def _check_connections(name: str, made: Instance, node: HardwareNode, graph: Graph, streams: Mapping[str, Mapping[str, tuple[Bit, ...]]]) -> None:
    carried = carriers(graph)
    wanted: dict[str, tuple[Bit, ...]] = {"clk_i": (("ap_clk", 0),), "rst_ni": (("ap_rst_n", 0),)}
    for kind, into, out in (("valid", "in_valid_i", "out_valid_o"), ("ready", "in_ready_o", "out_ready_i"), ("data", "in_data_i", "out_data_o")):
        wanted[into] = tuple(bit for stream in node.inputs for bit in streams[carried[stream]][kind])
        wanted[out] = tuple(bit for stream in node.outputs for bit in streams[stream][kind])
    for port in {*made.ports, *wanted}:
        if made.ports.get(port) != wanted.get(port):
            raise CheckFailedError(f"netlist: port {port} of {name} is connected to {made.ports.get(port)}, not to {wanted.get(port)}")


def _check_drivers(netlist: Netlist) -> None:
    """Outputs end in ``_o``, as in all of the library; clock and reset have as many readers as there are cells with a clock."""
    drivers: Counter[Bit] = Counter(bit for name, width in netlist.inputs.items() for bit in _bits(name, 0, width))
    readers: Counter[Bit] = Counter(bit for name, width in netlist.outputs.items() for bit in _bits(name, 0, width))
    for cell in netlist.instances.values():
        for port, bits in cell.ports.items():
            (drivers if port.endswith("_o") else readers).update(bits)
    every = [bit for nets in (netlist.inputs, netlist.outputs, netlist.wires) for name, width in nets.items() for bit in _bits(name, 0, width)]
    shared = {("ap_clk", 0), ("ap_rst_n", 0)}
    for bit in every:
        if drivers[bit] != 1 or (readers[bit] != 1 and bit not in shared):
            raise CheckFailedError(f"netlist: bit {bit[1]} of {bit[0]} has {drivers[bit]} drivers and {readers[bit]} readers")


def _instance(cell: Any, widths: Mapping[str, int]) -> Instance:
    parameters = {p.paramname: p.argname.value if isinstance(p.argname, ast.StringConst) else int(p.argname.value) for p in cell.parameterlist}
    return Instance(cell.module, parameters, {p.portname: tuple(_expression(p.argname, widths)) for p in cell.portlist})


def _expression(value: Any, widths: Mapping[str, int]) -> Iterator[Bit]:
    """The bits of a net, of a part of it, or of several side by side, lowest first."""
    if isinstance(value, ast.Concat):
        for part in reversed(value.list):
            yield from _expression(part, widths)
    elif isinstance(value, ast.Identifier):
        yield from _bits(value.name, 0, widths[value.name])
    elif isinstance(value, ast.Pointer):
        yield value.var.name, int(value.ptr.value)
    else:
        low, high = int(value.lsb.value), int(value.msb.value)
        yield from _bits(value.var.name, low, high + 1 - low)


def _bits(net: str, low: int, count: int) -> tuple[Bit, ...]:
    return tuple((net, low + index) for index in range(count))


def _width(net: Any) -> int:
    return 1 if net.width is None else int(net.width.msb.value) + 1
