"""A library of standard cells: a Liberty file that the user names, or our own table of gate equivalents.

Yosys reads the file; what is kept of a cell is its area, its ports and, of combinational ones, the truth tables.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.hw.synth.yosys import YosysError, run_script

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "cells.lib"  # the library's name in a scratch folder
_GATE_EQUIVALENTS = Path(__file__).with_name("gate_equivalents.lib")
_STORAGE = ("$_DFF", "$_SDFF", "$_DLATCH", "$_SR", "$_ALDFF")
_GATES = {
    "$_AND_": lambda a, b: a & b,
    "$_OR_": lambda a, b: a | b,
    "$_XOR_": lambda a, b: a ^ b,
}
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MOST_INPUTS = 8  # of a cell whose truth tables are made
_INVERTER = {(1, 0b01)}
_TWO_INPUTS = {(2, table) for table in (0b0111, 0b0001, 0b1000, 0b1110)}  # NAND, NOR, AND, OR
_SUM, _CARRY = 0b10010110, 0b11101000  # of three inputs


@dataclass(frozen=True)
class LibraryCell:
    """A cell.

    Attributes:
        name: of the cell.
        area: in the library's unit; None where the file states none.
        inputs, outputs: names of its ports.
        storage: a flip-flop or latch.
        tables: output port -> truth table, bit i of which is the output where the inputs, the first one lowest, are i; of
            combinational cells.
    """

    name: str
    area: float | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    storage: bool
    tables: Mapping[str, int]


@dataclass(frozen=True)
class FullAdder:
    """A cell that adds three bits: its name, its inputs, and the ports of the sum and of the carry."""

    cell: str
    inputs: tuple[str, ...]
    sum: str
    carry: str

    def module(self) -> str:
        """The module ``xf_full_adder`` around it, which ``xf_count_3`` instantiates where ``XF_FULL_ADDER`` is defined."""
        ports = dict(zip((*self.inputs, self.sum, self.carry), ("a_i", "b_i", "c_i", "sum_o", "carry_o"), strict=True))
        nets = ", ".join(f".{port}({net})" for port, net in ports.items())
        return f"module xf_full_adder (input a_i, b_i, c_i, output sum_o, carry_o);\n  {self.cell} u_cell ({nets});\nendmodule\n"


@dataclass(frozen=True)
class CellLibrary:
    """A Liberty file.

    Attributes:
        name: of the file.
        unit: what an area of 1 is.
        text: the file.
        cells: by name.
    """

    name: str
    unit: str
    text: bytes
    cells: Mapping[str, LibraryCell]

    @cached_property
    def full_adder(self) -> FullAdder | None:
        """The smallest cell that adds three bits, found by its functions; None where there is none."""
        found = [(cell.area or 0.0, cell.name, adder) for cell in self.cells.values() if (adder := _as_full_adder(cell)) is not None]
        return min(found, key=lambda each: each[:2])[2] if found else None


def open_library(path: Path | None, folder: Path) -> CellLibrary:
    """Read a Liberty file; None for the table of gate equivalents.

    Args:
        path: the file.
        folder: one that can be written, for a scratch folder that comes and goes.

    Raises:
        BadInputError: the file cannot be read, is no Liberty file, or has not the cells that a netlist needs; or the folder cannot be written.
        MissingToolError: Yosys is not installed.
    """
    file = path or _GATE_EQUIVALENTS
    try:
        text = file.read_bytes()
    except OSError as error:
        raise BadInputError(f"Liberty file {file} cannot be read: {error.strerror}") from error
    try:
        made = run_script(folder, "top", lambda scratch: [f"read_liberty {scratch}/{FILE}", f"write_json {scratch}/made"], files={FILE: text})
    except YosysError as error:
        said = " ".join(error.said.partition("ERROR:")[2].split())
        raise BadInputError(f"{file} is no Liberty file that Yosys reads: {said or 'it gave up'}") from error
    cells = {name: _cell(name, module) for name, module in json.loads(made)["modules"].items()}
    _check(file, cells)
    unit = "gate equivalents, a two-input NAND is 1" if path is None else f"area units of {file.name}"
    return CellLibrary(file.name, unit, text, cells)


def _check(file: Path, cells: Mapping[str, LibraryCell]) -> None:
    forms = {(len(cell.inputs), table) for cell in cells.values() if len(cell.outputs) == 1 for table in cell.tables.values()}
    needs = {
        "flip-flop": any(cell.storage for cell in cells.values()),
        "inverter": bool(forms & _INVERTER),
        "NAND, NOR, AND or OR of two inputs": bool(forms & _TWO_INPUTS),
    }
    missing = [need for need, there in needs.items() if not there]
    if missing:
        raise BadInputError(f"Liberty file {file} has no {missing[0]}; a netlist needs a flip-flop, an inverter, and a gate of two inputs")


def _cell(name: str, module: Mapping[str, Any]) -> LibraryCell:
    ports = module["ports"]
    inputs, outputs = (tuple(port for port, about in ports.items() if about["direction"] == way) for way in ("input", "output"))
    kinds = [cell["type"] for cell in module["cells"].values()]
    storage = any(kind.startswith(_STORAGE) for kind in kinds)
    simple = not storage and len(inputs) <= _MOST_INPUTS and set(kinds) <= {*_GATES, "$_NOT_"}
    return LibraryCell(name, _area(module), inputs, outputs, storage, _tables(module, inputs, outputs) if simple else {})


def _area(module: Mapping[str, Any]) -> float | None:
    try:
        return float(module["attributes"]["area"])
    except (KeyError, ValueError):
        return None


def _tables(module: Mapping[str, Any], inputs: tuple[str, ...], outputs: tuple[str, ...]) -> dict[str, int]:
    """Truth tables of the outputs, each net's a number of 2**inputs bits."""
    rows = 1 << len(inputs)
    whole = (1 << rows) - 1
    known: dict[Any, int] = {"0": 0, "1": whole}
    for place, port in enumerate(inputs):
        known[module["ports"][port]["bits"][0]] = sum(1 << row for row in range(rows) if row >> place & 1)
    waiting = list(module["cells"].values())
    while waiting:
        left = []
        for cell in waiting:
            nets = {port: bits[0] for port, bits in cell["connections"].items()}
            taken = [known[nets[port]] for port in ("A", "B") if nets.get(port) in known]
            if len(taken) < len(nets) - 1:
                left.append(cell)
            else:
                known[nets["Y"]] = whole ^ taken[0] if cell["type"] == "$_NOT_" else _GATES[cell["type"]](*taken)
        if len(left) == len(waiting):
            return {}
        waiting = left
    nets = {port: module["ports"][port]["bits"][0] for port in outputs}
    return {port: known[net] for port, net in nets.items() if net in known}


def _as_full_adder(cell: LibraryCell) -> FullAdder | None:
    ports = {table: port for port, table in cell.tables.items()}
    if not all(map(_NAME.fullmatch, (cell.name, *cell.inputs, *cell.outputs))):
        return None
    if len(cell.inputs) != 3 or set(ports) != {_SUM, _CARRY} or len(cell.outputs) != 2:
        return None
    return FullAdder(cell.name, cell.inputs, ports[_SUM], ports[_CARRY])
