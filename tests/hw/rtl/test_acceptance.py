"""Every tool takes every cell: Verilator -Wall, Icarus -Wall and Yosys without a warning; illegal parameters stop them."""

import json
import re
import subprocess

import numpy as np
import pytest

from xnorflow.hw.emit.folder import memory_text
from xnorflow.hw.graph import StreamType
from xnorflow.hw.nodes import XnorMatVec
from xnorflow.hw.types import BIPOLAR
from xnorflow.sim.bench.matrix import MATRIX, cell_cases
from xnorflow.sim.bench.wrapper import TOP, write_bench
from xnorflow.sim.tools import library_sources

SEED = 7


@pytest.mark.verilator
@pytest.mark.parametrize("checks", [[], ["-DXF_CHECK_STREAMS"]], ids=["plain", "checked"])
def test_verilator_wall_has_no_complaint_about_any_configuration(checks, verilate, library, tmp_path):
    cases = [case for cell in MATRIX for case in cell_cases(cell, SEED)]
    top = write_bench(cases, tmp_path)
    status, text = verilate(["--quiet", "--lint-only", "-Wall", *checks, "--top", TOP, "-y", str(library), str(top)], tmp_path)
    assert (status, text) == (0, "")


@pytest.mark.icarus
@pytest.mark.parametrize("checks", [[], ["-DXF_CHECK_STREAMS"]], ids=["plain", "checked"])
def test_icarus_wall_has_no_complaint_about_any_configuration(checks, iverilog, library, tmp_path):
    cases = [case for cell in MATRIX for case in cell_cases(cell, SEED)]
    top = write_bench(cases, tmp_path)
    files = [str(path) for path in library_sources()]
    status, text = iverilog(["-Wall", "-Wno-timescale", *checks, "-s", TOP, "-o", "out.vvp", str(top), *files], tmp_path)
    assert (status, text) == (0, "")


def synthesise(cell, parameters, memories, yosys, library, folder):
    """Yosys' counts of primitives, by name."""
    for path in library_sources():
        (folder / path.name).write_text(path.read_text())
    settings = [f"-set {name} {value}" for name, value in parameters.items()]
    for name, memory in memories.items():
        (folder / f"{name}.mem").write_text(memory_text(memory))
        settings.append(f'-set {name} "{name}.mem"')
    script = (
        f"read_verilog -sv -defer *.sv\nchparam {' '.join(settings)} {cell}\nsynth_xilinx -family xc7 -flatten -top {cell}\ntee -o stat.txt stat\n"
    )
    status, log = yosys(script, folder)
    assert status == 0, log[-2000:]
    assert "Warning" not in log
    return {name: int(count) for count, name in re.findall(r"^\s+(\d+)\s+(\w+)$", (folder / "stat.txt").read_text(), re.MULTILINE)}


@pytest.mark.yosys
def test_yosys_synthesises_every_cell_without_a_warning(yosys, tmp_path):
    write_bench([cell_cases(cell, SEED)[1] for cell in MATRIX], tmp_path)
    for path in library_sources():
        kept = "(* keep_hierarchy *)\n" if path.stem in MATRIX else ""  # so that each has counts of its own
        (tmp_path / path.name).write_text(path.read_text().replace(f"\nmodule {path.stem} ", f"\n{kept}module {path.stem} "))
    status, log = yosys(f"read_verilog -sv -defer *.sv\nsynth_xilinx -family xc7 -flatten -top {TOP}\ntee -o stat.json stat -json\n", tmp_path)
    assert status == 0, log[-2000:]
    assert "Warning" not in log
    modules = json.loads((tmp_path / "stat.json").read_text())["modules"]
    for cell in MATRIX:
        found = [module["num_cells_by_type"] for name, module in modules.items() if name.rpartition("\\")[2] == cell]
        assert found, cell
        assert all(luts(counts) > 0 for counts in found), cell
    inner = {name for module in modules.values() for name in module["num_cells_by_type"] if name.startswith("$")}
    assert {name for name in inner if not name.startswith("$paramod")} <= {"$scopeinfo"}, "not mapped"


ILLEGAL = [
    ("xf_fifo", "Depth", 1, "xf_fifo: Depth must be at least 2"),
    ("xf_width_converter", "InBits", 0, "one of InBits and OutBits must be a multiple"),
    ("xf_matvec_xnor", "Pe", 2, "Simd must divide Mw and Pe must divide Mh"),
    ("xf_matvec_int", "AccBits", 0, "AccBits must be at least 1"),
    ("xf_threshold", "InKind", 3, "Kind must be 0, 1 or 2"),
    ("xf_pad", "Top", -1, "borders must not be negative"),
    ("xf_sliding_window", "KernelH", 2, "the kernel does not fit the image"),
    ("xf_affine", "Pieces", 3, "xf_affine: Pieces must be 1 or 2"),
    ("xf_add", "OutKind", 2, "OutKind 0 or 1"),
    ("xf_fork", "Outputs", 1, "xf_fork: Outputs must be at least 2"),
    ("xf_argmax", "Channels", 3, "OutBits must hold the greatest index"),
]


@pytest.mark.verilator
@pytest.mark.parametrize(("cell", "name", "value", "message"), ILLEGAL)
def test_an_illegal_parameter_stops_verilator(cell, name, value, message, verilate, library, tmp_path):
    status, text = verilate(["--lint-only", "--top", cell, f"-G{name}={value}", "-y", str(library), str(library / f"{cell}.sv")], tmp_path)
    assert status != 0
    assert message in text


@pytest.mark.icarus
def test_an_illegal_parameter_stops_icarus_before_the_first_clock_edge(iverilog, library, tmp_path):
    files = [str(path) for path in library_sources()]
    status, _ = iverilog(["-s", "xf_fifo", "-Pxf_fifo.Depth=1", "-o", "out.vvp", *files], tmp_path)
    assert status == 0
    done = subprocess.run(["vvp", "-n", "out.vvp"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "xf_fifo.u_require_depth.gen_illegal: xf_fifo: Depth must be at least 2" in done.stdout + done.stderr


@pytest.mark.yosys
def test_the_weights_of_an_unrolled_layer_are_constants_and_its_xnors_vanish(yosys, library, tmp_path):
    weights = np.random.default_rng(SEED).choice(np.array([-1, 1]), (8, 24))
    node = XnorMatVec(name="n", inputs=("x",), outputs=("y",), weights=weights, weight_type=BIPOLAR, pe=8, simd=24)
    built = node.cell((StreamType((24,), BIPOLAR),))
    (tmp_path / "layer").mkdir()
    (tmp_path / "popcount").mkdir()
    layer = synthesise("xf_matvec_xnor", built.parameters, built.memories, yosys, library, tmp_path / "layer")
    popcount = luts(synthesise("xf_popcount", {"Width": 24}, {}, yosys, library, tmp_path / "popcount"))
    # Beyond eight popcounts: 1 LUT a result bit in front of the queue's output register, 3 for a start value and control.
    assert luts(layer) <= 8 * (popcount + built.parameters["AccBits"] + 3) + 16
    assert not any(name.startswith(("RAMB", "DSP")) for name in layer)


def luts(counts):
    return sum(n for name, n in counts.items() if name.startswith("LUT"))
