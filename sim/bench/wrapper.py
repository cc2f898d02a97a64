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

    Configuration i has bit i of rst_ni. Its inputs have the next free bits of in_valid_i and in_ready_o, the first bit n that
    is free being that of the data port in_data_<n>; likewise its outputs.

    Args:
        cases: the configurations.
        folder: where to write; the simulation's working directory.

    Returns:
        The Verilog file.
    """
    (folder / "mem").mkdir(parents=True, exist_ok=True)
    ins, outs = (sum(len(kinds) for kinds in sides) - 1 for sides in ([c.ins for c in cases], [c.outs for c in cases]))
    ports = ["input wire logic clk_i", f"input wire logic [{len(cases) - 1}:0] rst_ni"]
    ports += [f"input wire logic [{ins}:0] in_valid_i", f"output logic [{ins}:0] in_ready_o"]
    ports += [f"output logic [{outs}:0] out_valid_o", f"input wire logic [{outs}:0] out_ready_i"]
    body: list[str] = []
    first_in = first_out = 0
    for index, case in enumerate(cases):
        for port, kind in enumerate(case.ins, first_in):
            ports.append(f"input wire logic [{case.node.in_lanes * kind.dtype.bits - 1}:0] in_data_{port}")
        for port, kind in enumerate(case.outs, first_out):
            ports.append(f"output logic [{case.node.out_lanes * kind.dtype.bits - 1}:0] out_data_{port}")
        body.append(_instance(case, index, range(first_in, first_in + len(case.ins)), range(first_out, first_out + len(case.outs)), folder))
        first_in, first_out = first_in + len(case.ins), first_out + len(case.outs)
    text = f"`default_nettype none\nmodule {TOP} (\n  " + ",\n  ".join(ports) + "\n);\n" + "".join(body) + "endmodule\n`default_nettype wire\n"
    path = folder / f"{TOP}.sv"
    path.write_text(text)
    return path


def _instance(case: CellCase, index: int, ins: range, outs: range, folder: Path) -> str:
    cell = case.node.cell(case.ins)
    parameters = [f".{name}({value})" for name, value in cell.parameters.items()]
    for name, memory in cell.memories.items():
        path = f"mem/c{index}_{name}.mem"
        (folder / path).write_text(memory_text(memory))
        parameters.append(f'.{name}("{path}")')
    ports = [".clk_i(clk_i)", f".rst_ni(rst_ni[{index}])"]
    ports += [f".{name}({_joined([f'{name}[{p}]' for p in ins])})" for name in ("in_valid_i", "in_ready_o")]
    ports += [f".{name}({_joined([f'{name}[{p}]' for p in outs])})" for name in ("out_valid_o", "out_ready_i")]
    ports += [f".in_data_i({_joined([f'in_data_{p}' for p in ins])})", f".out_data_o({_joined([f'out_data_{p}' for p in outs])})"]
    return f"  {cell.module} #({', '.join(parameters)}) u_{index} (\n    {', '.join(ports)}\n  );\n"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "{" + ", ".join(reversed(parts)) + "}"
