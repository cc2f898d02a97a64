"""Vivado's scripts, run in a plain tclsh whose Vivado commands are recorded: what is built of them, not how they are spelled."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xnorflow.errors import BadInputError
from xnorflow.flows.board import tcl
from xnorflow.flows.board.boards import BOARDS
from xnorflow.flows.board.project import STAGES
from xnorflow.flows.board.shell import shell

TCLSH = shutil.which("tclsh")
needs_tclsh = pytest.mark.skipif(TCLSH is None, reason="needs tclsh (Debian package tcl)")
STUBS = Path(__file__).with_name("vivado_stubs.tcl")
HOSTILE = [
    "",
    "a b",
    "$x [exit 1] ${y}",
    'say "no"',
    "{",
    "}}{",
    "\\",
    "a\\",
    "#x",
    "a;b",
    "line\nbreak\ttab\r",
    "~",
    "-force",
    "naïve 漢字",
    "\x01\x7f",
]


@needs_tclsh
def test_a_quoted_text_is_one_word_and_stays_what_it_was() -> None:
    script = "fconfigure stdout -encoding utf-8 -translation lf\n" + tcl.settings({"words": HOSTILE, "word": HOSTILE[2]})
    script += 'foreach w [list {*}$words $word] {puts -nonewline "[string length $w] $w\\0"}\n'
    assert script.isascii()
    said = subprocess.run([TCLSH], input=script.encode(), capture_output=True, check=True).stdout.decode()
    assert said.split("\0")[:-1] == [f"{len(w)} {w}" for w in [*HOSTILE, HOSTILE[2]]]


@given(st.text())
@settings(max_examples=50)
def test_quoting_needs_no_tcl_to_be_balanced(text: str) -> None:
    bad = any(c == "\0" or ord(c) > 0xFFFF or 0xD800 <= ord(c) < 0xE000 for c in text)
    if bad:
        with pytest.raises(BadInputError, match="which no Tcl script can hold"):
            tcl.quoted(text)
        return
    word = tcl.quoted(text)
    assert word.isascii()
    assert word.isprintable()
    assert not re.search(r'(?<!\\)(?:\\\\)*[$\[\]{}"]', word[1:-1])


def run_stage(folder: Path, name: str, record: Path, *, status: str = "x Complete!", slack: float = 0.5) -> subprocess.CompletedProcess[str]:
    assert TCLSH is not None
    stage = next(s for s in STAGES if s.name == name)
    script = stage.arguments[-1]
    driver = f"source {tcl.quoted(str(STUBS))}\nsource {tcl.quoted(script)}\n"
    env = {"RECORD": str(record), "STATUS": status, "SLACK": str(slack), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    (folder / "driver.tcl").write_text(driver)
    return subprocess.run([TCLSH, "driver.tcl"], cwd=folder, env=env, capture_output=True, text=True, check=False)


def calls(record: Path) -> list[list[str]]:
    """The recorded calls, each as its words."""
    reader = 'fconfigure stdout -encoding utf-8\nwhile {[gets stdin line] >= 0} {foreach w $line {puts -nonewline "$w\\x1f"}; puts ""}\n'
    (record.parent / "reader.tcl").write_text(reader)
    said = subprocess.run([TCLSH, str(record.parent / "reader.tcl")], input=record.read_text(), capture_output=True, text=True, check=True).stdout
    return [line.split("\x1f")[:-1] for line in said.splitlines()]


@pytest.fixture(params=list(BOARDS))
def project(request, build, tmp_path, without_vivado):
    """A shell's folder, in a place with blanks, brackets and a dollar, and what its first stage called."""
    assert TCLSH is not None
    out = tmp_path / "my $HOME [boards] {x" / "out put"
    shell(build.folder, request.param, out)
    done = run_stage(out, "project", tmp_path / "record")
    assert (done.returncode, done.stderr) == (0, "")
    return request.param, out, calls(tmp_path / "record")


def connections(recorded: list[list[str]]) -> list[tuple[str, str]]:
    return [(call[1], call[2]) for call in recorded if call[0] in ("connect_bd_net", "connect_bd_intf_net")]


def drivers(recorded: list[list[str]]) -> dict[str, str]:
    """What drives each pin; no pin has two drivers."""
    pairs = connections(recorded)
    sinks = [sink for _, sink in pairs]
    assert len(set(sinks)) == len(sinks)
    return {sink: source for source, sink in pairs}


def properties(recorded: list[list[str]], cell: str) -> dict[str, str]:
    words = next(call[2] for call in recorded if call[:2] == ["set_property", "-dict"] and call[3] == cell)
    parts = words.split(" ")
    return dict(zip(parts[::2], parts[1::2], strict=True))


@needs_tclsh
def test_the_block_design_streams_memory_through_the_network(project) -> None:
    name, _, recorded = project
    system, driven = BOARDS[name].system, drivers(recorded)
    assert driven["in_width_0/S_AXIS"] == "axi_dma_0/M_AXIS_MM2S"
    assert driven["network_0/s_axis"] == "in_width_0/M_AXIS"
    assert driven["axi_dma_0/S_AXIS_S2MM"] == "network_0/m_axis"
    assert driven["control_0/S00_AXI"] == f"ps/{system.control}"
    assert driven["axi_dma_0/S_AXI_LITE"] == "control_0/M00_AXI"
    assert (driven["memory_0/S00_AXI"], driven["memory_0/S01_AXI"]) == ("axi_dma_0/M_AXI_MM2S", "axi_dma_0/M_AXI_S2MM")
    assert driven[f"ps/{system.memory}"] == "memory_0/M00_AXI"
    cells = {call[-1]: call for call in recorded if call[0] == "create_bd_cell"}
    assert {pin.split("/")[0] for pair in connections(recorded) for pin in pair} - set(system.external) == set(cells)
    assert cells["network_0"] == ["create_bd_cell", "-type", "module", "-reference", "xnorflow_shell", "network_0"]
    assert cells["ps"][4] == f"xilinx.com:ip:{system.ip}:1.0"
    order = [call[0] for call in recorded]
    assert order.index("assign_bd_address") < order.index("validate_bd_design") < order.index("generate_target") < order.index("make_wrapper")


@needs_tclsh
def test_clock_and_reset_reach_every_cell(project) -> None:
    name, _, recorded = project
    system, driven = BOARDS[name].system, drivers(recorded)
    clocked = {pin for pin, source in driven.items() if source == "clk_wiz_0/clk_out1"}
    assert clocked == {
        "network_0/ap_clk",
        "axi_dma_0/s_axi_lite_aclk",
        "axi_dma_0/m_axi_mm2s_aclk",
        "axi_dma_0/m_axi_s2mm_aclk",
        "in_width_0/aclk",
        "control_0/aclk",
        "memory_0/aclk",
        "reset_0/slowest_sync_clk",
        f"ps/{system.control_clock}",
        f"ps/{system.memory_clock}",
    }
    resets = {pin: driven[pin] for pin in driven if pin.endswith(("_rst_n", "aresetn", "axi_resetn"))}
    assert resets == {
        "network_0/ap_rst_n": "reset_0/peripheral_aresetn",
        "axi_dma_0/axi_resetn": "reset_0/peripheral_aresetn",
        "in_width_0/aresetn": "reset_0/peripheral_aresetn",
        "control_0/aresetn": "reset_0/interconnect_aresetn",
        "memory_0/aresetn": "reset_0/interconnect_aresetn",
    }
    assert (driven["clk_wiz_0/clk_in1"], driven["clk_wiz_0/resetn"]) == (f"ps/{system.clock}", f"ps/{system.reset}")
    assert (driven["reset_0/ext_reset_in"], driven["reset_0/dcm_locked"]) == (f"ps/{system.reset}", "clk_wiz_0/locked")
    cells = {call[-1] for call in recorded if call[0] == "create_bd_cell"}
    assert {pin.split("/")[0] for pin in clocked} | {"clk_wiz_0"} == cells


@needs_tclsh
def test_widths_clock_and_part_are_what_was_asked_for(project) -> None:
    name, _, recorded = project
    board = BOARDS[name]
    dma = properties(recorded, "axi_dma_0")
    bits = str(board.system.memory_bits)
    assert (dma["CONFIG.c_m_axi_mm2s_data_width"], dma["CONFIG.c_m_axi_s2mm_data_width"]) == (bits, bits)
    assert (dma["CONFIG.c_m_axis_mm2s_tdata_width"], dma["CONFIG.c_s_axis_s2mm_tdata_width"]) == ("16", "16")
    assert (dma["CONFIG.c_include_sg"], dma["CONFIG.c_sg_length_width"]) == ("0", "26")
    assert properties(recorded, "in_width_0") == {"CONFIG.S_TDATA_NUM_BYTES": "2", "CONFIG.M_TDATA_NUM_BYTES": "3"}
    assert properties(recorded, "clk_wiz_0")["CONFIG.CLKOUT1_REQUESTED_OUT_FREQ"] == "100.000000"
    assert properties(recorded, "ps") == {f"CONFIG.{key}": value for key, value in board.system.properties.items()}
    assert next(call for call in recorded if call[0] == "create_project")[-2:] == ["-part", board.part]


@needs_tclsh
def test_every_source_and_memory_file_is_there(project, build) -> None:
    name, out, recorded = project
    (added,) = [call[-1] for call in recorded if call[0] == "add_files"]
    listed = subprocess.run([TCLSH], input=f"puts [join {tcl.quoted(added)} \\n]\n", capture_output=True, text=True, check=True).stdout.splitlines()
    assert all(Path(path).is_file() for path in listed)
    names = {Path(path).name for path in listed}
    parts = ("rtl", "xc7") if BOARDS[name].xc7 else ("rtl",)
    assert names == {p.name for part in parts for p in (build.folder / part).glob("*.sv")} | {"top.v", "xnorflow_shell.v", "xf_axis_batch.sv"}
    netlist = (out / "project" / "generated" / "top.v").read_text()
    memories = re.findall(r'"([^"]*\.mem)"', netlist)
    assert {Path(path) for path in memories} == set((out / "hw" / "mem").glob("*.mem"))
    assert {Path(path).name for path in memories} == {p.name for p in (build.folder / "mem").glob("*.mem")}
    assert netlist.replace(f'"{out}/hw/mem/', '"mem/') == (build.folder / "top.v").read_text()


@needs_tclsh
def test_the_later_stages_make_reports_bitstream_and_handoff(build, tmp_path, without_vivado) -> None:
    out, record = tmp_path / "out put", tmp_path / "record"
    shell(build.folder, "Pynq-Z2", out)
    for stage in STAGES:
        done = run_stage(out, stage.name, record)
        assert (done.returncode, done.stderr) == (0, "")
        assert all((out / made).is_file() for made in stage.makes)
    assert (out / "reports" / "slack.txt").read_text() == "0.5 0.05\n"
    steps = [call[1:] for call in calls(record) if call[0] == "launch_runs"]
    assert [(step[0], step[-1] if "-to_step" in step else None) for step in steps] == [("synth_1", None), ("impl_1", "route_design")]


@needs_tclsh
def test_a_failed_run_and_missed_timing_stop_the_stage(build, tmp_path, without_vivado) -> None:
    out, record = tmp_path / "out", tmp_path / "record"
    shell(build.folder, "Pynq-Z2", out)
    assert run_stage(out, "project", record).returncode == 0
    (out / "project" / "runs").mkdir()
    lines = ["INFO: begin", *(f"ERROR: [Synth 8] number {n}" for n in range(7)), "INFO: end"]
    (out / "project" / "runs" / "runme.log").write_text("\n".join(lines))
    done = run_stage(out, "synthesis", record, status="synth_design ERROR")
    assert done.returncode == 1
    assert done.stdout.splitlines() == lines[3:8]
    assert "run synth_1 ended as synth_design ERROR" in done.stderr
    done = run_stage(out, "implementation", record, slack=-0.25)
    assert done.returncode == 1
    assert "timing is not met at 100.000000 MHz: worst setup slack -0.25 ns, worst hold slack 0.05 ns; give a longer --clock" in done.stderr
    assert not (out / "reports" / "slack.txt").exists()
    assert (out / "reports" / "timing.txt").is_file()


@needs_tclsh
def test_a_path_that_no_verilog_string_holds_is_refused(build, tmp_path, without_vivado) -> None:
    out = tmp_path / 'say "no"'
    shell(build.folder, "KV260_SOM", out)
    done = run_stage(out, "project", tmp_path / "record")
    assert done.returncode == 1
    assert "has a quote or a backslash in its path" in done.stderr
