"""XNOR and popcount in standard cells: the loop and the tree of full adders, recorded in ``benchmarks/results/asic-popcount.json``.

    python benchmarks/asic_popcount.py --liberty /usr/share/qflow/tech/osu018/osu018_stdcells.lib

Each is mapped twice, with the commands that Yosys gives ABC and with those of ``xnorflow synth --target asic`` (area first). The area is the
library's. The delay is OpenSTA's from input to output (Debian's package opensta; left out where `sta` is missing), without wires.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenance import ROOT, provenance

from xnorflow.hw.emit.folder import library_sources
from xnorflow.hw.popcount import adders_text
from xnorflow.hw.synth.asic import AREA_FIRST, asic_figures, mapped_by_yosys
from xnorflow.hw.synth.library import CellLibrary, open_library

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULT = ROOT / "benchmarks" / "results" / "asic-popcount.json"
WIDTHS = (16, 32, 64, 128, 256)
_FLAT = ("delete */t:$scopeinfo", "splitnets", "opt_clean -purge")
_STA = """read_liberty cells.lib
read_verilog top_mapped.v
link_design top
create_clock -name clock -period 1000
set_input_delay 0 -clock clock [all_inputs]
set_output_delay 0 -clock clock [all_outputs]
report_checks -path_delay max
exit
"""


def measure(width: int, library: CellLibrary) -> dict[str, Any]:
    """The four netlists of one width."""
    row: dict[str, Any] = {}
    for form in ("loop", "tree"):
        for name, mapping in (("yosys", None), ("area first", AREA_FIRST)):
            with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".asic-") as scratch:
                folder = Path(scratch)
                write(folder, width, structural=form == "tree")
                netlist = mapped_by_yosys(folder, "top", library, lambda made: [f"write_json {made}/made"], mapping=mapping)
                figures = asic_figures(netlist, "top", library)
                row[f"{form}, {name}"] = {"area": figures.area, "depth": figures.depth, "delay_ns": delay(folder, library, mapping)}
    return row


def write(folder: Path, width: int, *, structural: bool) -> None:
    """A folder as the emitter writes it, with ``xf_xnor_count`` alone."""
    for part in ("rtl", "asic"):
        (folder / part).mkdir()
    for name, text in library_sources({"xf_xnor_count", "xf_count_2", "xf_count_3"}).items():
        (folder / "rtl" / f"{name}.sv").write_text(text, encoding="utf-8")
    if structural:
        (folder / "asic" / "top_trees.sv").write_text(adders_text([width]), encoding="ascii")
    ports = f"input [{width - 1}:0] data_i, input [{width - 1}:0] weight_i, output [{width.bit_length() - 1}:0] count_o"
    cell = f"xf_xnor_count #(.Width({width})) u_count (.data_i(data_i), .weight_i(weight_i), .count_o(count_o));"
    (folder / "top.v").write_text(f"module top ({ports}); {cell} endmodule\n", encoding="ascii")


def delay(folder: Path, library: CellLibrary, mapping: bytes | None) -> float | None:
    """The longest path in nanoseconds, of OpenSTA; None where it is not installed."""
    if shutil.which("sta") is None:
        return None
    text = mapped_by_yosys(folder, "top", library, lambda made: [*_FLAT, f"write_verilog -noattr {made}/made"], mapping=mapping)
    (folder / "top_mapped.v").write_text(text, encoding="utf-8")
    (folder / "cells.lib").write_bytes(library.text)
    (folder / "sta.tcl").write_text(_STA, encoding="ascii")
    done = subprocess.run(["sta", "-exit", "sta.tcl"], cwd=folder, capture_output=True, text=True, check=True)
    return float(next(_arrivals(done.stdout)))


def _arrivals(report: str) -> Iterator[str]:
    return (found.group(1) for found in re.finditer(r"^\s*([\d.]+)\s+data arrival time", report, re.MULTILINE))


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--liberty", type=Path, required=True)
    given = parser.parse_args()
    library = open_library(given.liberty, Path.cwd())
    rows: dict[str, Any] = {}
    for width in WIDTHS:
        rows[str(width)] = measure(width, library)
        print(width, rows[str(width)], flush=True)
    RESULT.write_text(json.dumps({**provenance(), "library": library.name, "places": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
