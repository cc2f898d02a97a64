"""One Verilog top around many configurations, so that they share one compilation and one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.hw.emit.folder import memory_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xnorflow.sim.bench.plan import CellCase

TOP = "xf_cell_bench"


def write_bench(cases: Sequence[CellCase], folder: Path) -> Path:
    """Write the top and the memory images of all configurations.

    Configuration i has bit i of the ports rst_ni, in_valid_i, in_ready_o, out_valid_o and out_ready_i, and the data
    ports in_data_<i> and out_data_<i>.

    Args:
        cases: the configurations.
        folder: where to write; the simulation's working directory.

    Returns:
        The Verilog file.
    """
    (folder / "mem").mkdir(parents=True, exist_ok=True)
    last = len(cases) - 1
    ports = ["input wire logic clk_i"]
    ports += [f"input wire logic [{last}:0] {name}" for name in ("rst_ni", "in_valid_i", "out_ready_i")]
    ports += [f"output logic [{last}:0] {name}" for name in ("in_ready_o", "out_valid_o")]
    body: list[str] = []
    for index, case in enumerate(cases):
        in_bits = case.node.in_lanes * case.kind.dtype.bits
        out_bits = case.node.out_lanes * case.node.infer((case.kind,))[0].dtype.bits
        ports += [f"input wire logic [{in_bits - 1}:0] in_data_{index}", f"output logic [{out_bits - 1}:0] out_data_{index}"]
        body.append(_instance(case, index, folder))
    text = f"`default_nettype none\nmodule {TOP} (\n  " + ",\n  ".join(ports) + "\n);\n" + "".join(body) + "endmodule\n`default_nettype wire\n"
    path = folder / f"{TOP}.sv"
    path.write_text(text)
    return path


def _instance(case: CellCase, index: int, folder: Path) -> str:
    cell = case.node.cell((case.kind,))
    parameters = [f".{name}({value})" for name, value in cell.parameters.items()]
    for name, memory in cell.memories.items():
        path = f"mem/c{index}_{name}.mem"
        (folder / path).write_text(memory_text(memory))
        parameters.append(f'.{name}("{path}")')
    scalars = ("rst_ni", "in_valid_i", "in_ready_o", "out_valid_o", "out_ready_i")
    ports = [".clk_i(clk_i)", *(f".{name}({name}[{index}])" for name in scalars)]
    ports += [f".in_data_i(in_data_{index})", f".out_data_o(out_data_{index})"]
    return f"  {cell.module} #({', '.join(parameters)}) u_{index} (\n    {', '.join(ports)}\n  );\n"
