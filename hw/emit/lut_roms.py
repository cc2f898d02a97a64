"""Memories of at most 32 words for xc7: two columns a LUT6_2, which no tool makes without primitives; one word is a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.cell import Memory

PAIR_WORDS = 32  # words that one output of a LUT6_2 holds
_NAME = "xf_rom_pairs"
_HEAD = f"""\
module {_NAME} #(
  parameter integer Width = 1,
  parameter integer Depth = 2,
  parameter         InitFile = "",
  localparam integer AddrBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  wire logic [AddrBits-1:0] addr_i,
  output logic      [Width-1:0]    data_o
);"""
_OPEN, _CLOSE = "`default_nettype none", "`default_nettype wire\n"
_OTHERS = """\
  begin : gen_others
    logic [Width-1:0] rom [0:Depth-1];
    initial $readmemh(InitFile, rom);
    assign data_o = rom[addr_i];
  end
endmodule
"""


def lut_roms_text(roms: Mapping[str, Memory]) -> str:
    """Combinational memories as SystemVerilog, and the module that picks one by the name of its file (others stay what the tool makes of them).

    Args:
        roms: file of a memory as the netlist names it -> what is in it, 1 to 32 words.
    """
    modules = [_rom(number, memory) for number, memory in enumerate(roms.values())]
    choices = [f'  if (InitFile == "{file}") begin : gen_{n}\n    {_NAME}_{n} u_rom (.addr_i, .data_o);\n  end else\n' for n, file in enumerate(roms)]
    return "\n".join((_OPEN, *modules, f"{_HEAD}\n{''.join(choices)}{_OTHERS}", _CLOSE))


def _rom(number: int, memory: Memory) -> str:
    """One memory: equal columns are stored once, columns of one value are constants."""
    depth, width = memory.words.shape
    address = max(1, (depth - 1).bit_length())
    padded = np.zeros((PAIR_WORDS, width), dtype=np.uint64)
    padded[:depth] = memory.words
    columns = [int(value) for value in (padded << np.arange(PAIR_WORDS, dtype=np.uint64)[:, None]).sum(axis=0)]
    nets = {0: "1'b0", (1 << depth) - 1: "1'b1"}
    stored = [value for value in dict.fromkeys(columns) if value not in nets]
    nets |= {value: f"c[{place}]" for place, value in enumerate(stored)}
    pins = ", ".join(f".I{bit}({net})" for bit, net in enumerate([f"addr_i[{bit}]" for bit in range(address)] + ["1'b0"] * (5 - address)))
    lines = [f"module {_NAME}_{number} (input wire logic [{address - 1}:0] addr_i, output logic [{width - 1}:0] data_o);"]
    lines += [f"  wire logic [{len(stored) - 1}:0] c;"] * bool(stored)
    for place in range(0, len(stored), 2):
        low, high = (*stored[place : place + 2], 0)[:2]
        upper = f", .O6(c[{place + 1}])" * (place + 1 < len(stored))
        lines.append(f"  LUT6_2 #(.INIT(64'h{high:08x}{low:08x})) u_{place // 2} ({pins}, .I5(1'b1), .O5(c[{place}]){upper});")
    joined = ", ".join(nets[value] for value in reversed(columns))
    return "\n".join((*lines, f"  assign data_o = {{{joined}}};", "endmodule", ""))
