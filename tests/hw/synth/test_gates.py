"""The gates that Yosys makes of a build: equal to the interpreter, and what cannot be simulated is refused."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.flows.compile import compile_
from xnorflow.flows.verify import verify
from xnorflow.hw.random_networks import draw
from xnorflow.hw.synth import gates
from xnorflow.sim.gates import gates_folder

SEED = 14


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gates")
    onnx.save(draw(SEED), folder / "net.onnx")
    return compile_(folder / "net.onnx", folder / "build").build.folder


@pytest.mark.yosys
@pytest.mark.verilator
def test_the_gates_equal_the_interpreter_and_a_wrong_gate_is_found(build: Path) -> None:
    report = verify(build, engine="gates", images=20, stalls=True, seed=3, links=("rtl",))
    assert (report.engine, report.links["rtl"].status, report.links["rtl"].images) == ("gates", "equal", 20)
    netlist = gates_folder(build) / "top.v"
    right = netlist.read_text()
    assert "always @(posedge ap_clk)" in right
    assert "xf_" not in right.partition("module top")[0]
    wrong, count = re.subn(r"(assign m_axis_tdata = \{.*, )(\S+ +\};)", r"\1~\2", right)
    assert count == 1
    netlist.write_text(wrong)
    with pytest.raises(CheckFailedError, match=r"the netlist differs from the interpreter at the output: image 0, .* all nodes of the RTL are right"):
        verify(build, engine="gates", images=20, seed=3, links=("rtl",))


@pytest.mark.yosys
@pytest.mark.verilator
def test_the_cells_of_a_library_equal_the_interpreter_and_a_wrong_cell_is_found(wide, liberty) -> None:
    report = verify(wide.folder, engine="gates", liberty=liberty.path, images=10, stalls=True, seed=3, links=("rtl",))
    assert (report.links["rtl"].status, report.links["rtl"].images, report.links["rtl"].reason) == ("equal", 10, "cells of tiny.lib")
    netlist = gates_folder(wide.folder, liberty=liberty.path) / "top.v"
    right = netlist.read_text()
    assert " ^ " in right  # of the full adders; the library has no other XOR
    assert " + " not in right
    netlist.write_text(right.replace(" ^ ", " | "))
    with pytest.raises(CheckFailedError, match=r"the netlist differs from the interpreter at the output: image 0, .* all nodes of the RTL are right"):
        verify(wide.folder, engine="gates", liberty=liberty.path, images=10, seed=3, links=("rtl",))


def test_a_library_is_for_the_gates(wide, liberty) -> None:
    with pytest.raises(BadInputError, match=r"library .*tiny\.lib is for engine gates, not for verilator"):
        verify(wide.folder, liberty=liberty.path, images=2)
    with pytest.raises(BadInputError, match=r"Liberty file .*absent\.lib cannot be read"):
        verify(wide.folder, engine="gates", liberty=liberty.path.with_name("absent.lib"), images=2, links=("rtl",))


def test_block_ram_is_refused_by_name(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "made_by_yosys", lambda *_: "module top; RAMB18E1 ram(); endmodule")
    with pytest.raises(BadInputError, match=r"top\.v needs block RAM, of which Yosys has no model"):
        gates.gate_netlist(build, "top")
