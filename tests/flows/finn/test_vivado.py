"""The hand-over to Vivado, with a program of that name that records what it was asked and makes the files that FINN looks for."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.flows.finn.run import FinnResult, finn
from xnorflow.hw.build import Build

FAKE = """#!{python}
import json, os, re, signal, sys
from pathlib import Path
here = Path(__file__).parent
Path("vivado.log").write_text("INFO: started\\nERROR: [Place 30-640] too small\\nINFO: exiting\\n")
mode = (here / "mode").read_text()
if mode == "fail":
    sys.exit(1)
if mode == "kill":
    shell = int(Path(f"/proc/{{os.getppid()}}/stat").read_text().split()[3])
    os.kill(shell, signal.SIGKILL)
    sys.exit(1)
tcl = Path(sys.argv[-1]).read_text()
(here / "asked.json").write_text(json.dumps([os.getcwd(), sys.argv[1:], os.environ["FINN_RTLLIB"]]))
wrapper = Path(re.findall(r"add_files -norecurse (\\S+_wrapper[.]v)", tcl)[-1])
wrapper.parent.mkdir(parents=True)
wrapper.write_text("module finn_design_wrapper; endmodule")
Path(re.findall(r"open (\\S+all_verilog_srcs[.]txt) w", tcl)[-1]).write_text("")
"""


@pytest.fixture
def vivado(tmp_path: Path, put_on_path: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder with the fake, its mode in the file ``mode``."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # the link to a folder with a blank goes with the test
    return put_on_path("vivado", FAKE.format(python=sys.executable))


def check_project(tcl: str, build: Build, names: dict[str, str]) -> None:
    """Every source is there, every node is an instance, and every stream between two nodes is a connection."""
    sources = [Path(p) for p in re.findall(r"^add_files -norecurse (\S+)", tcl, flags=re.MULTILINE)]
    assert [p for p in sources if not p.is_file()] == []
    images = {p.name for p in sources if p.suffix == ".mem"}
    instances = dict(re.findall(r"create_bd_cell -type module -reference (\w+) (\w+)", tcl))
    assert set(names) <= set(instances)
    for finns, name in names.items():
        node = next(n for n in build.graph.nodes if n.name == name)
        cell = node.cell(build.graph.types_of(node))
        assert {f"{finns}_{parameter.lower()}.mem" for parameter in cell.memories} <= images
    connections = re.findall(r"connect_bd_intf_net \[get_bd_intf_pins (\w+)/out(\d)_V\] \[get_bd_intf_pins (\w+)/in(\d)_V\]", tcl)
    assert len(connections) == len(set(connections))
    assert {c[0] for c in connections} | {c[2] for c in connections} == set(instances) - {"sim_ctrl"}  # FINN's own, without streams
    assert "-part xc7z020clg400-1" in tcl
    assert "CONFIG.FREQ_HZ 100000000" in tcl


@pytest.mark.verilator
def test_vivado_gets_a_whole_project_and_what_it_stops_at_is_told(trapped: tuple[Build, FinnResult], vivado: Path, tmp_path: Path) -> None:
    build, result = trapped
    out = tmp_path / "two words"  # FINN splits its commands at blanks
    shutil.copytree(result.out, out)
    settings = json.loads((out / "finn.json").read_text())
    assert Path(settings["folder"]) == result.out, "a folder that was moved starts from the first step"
    (vivado / "mode").write_text("kill")
    with pytest.raises(CheckFailedError, match="FINN's process ended with -9 in step_create_stitched_ip"):
        finn(out / "build", out, resume=True)
    (vivado / "mode").write_text("fail")
    with pytest.raises(CheckFailedError, match=r"FINN failed in step_create_stitched_ip: .*vivado.log ends: .*ERROR: \[Place 30-640\] too small"):
        finn(out / "build", out, resume=True)
    (vivado / "mode").write_text("work")
    done = finn(out / "build", out, resume=True)
    assert [(s.step, s.images) for s in done.steps] == [("step_create_stitched_ip", 4)]
    assert done.missing == ("vitis_hls",)
    folder, words, library = json.loads((vivado / "asked.json").read_text())
    assert words == ["-mode", "batch", "-source", "make_project.tcl"]
    assert Path(folder).is_relative_to(out.resolve())
    tcl = Path(folder, "make_project.tcl").read_text().replace("$::env(FINN_RTLLIB)", library)
    assert "$::env" not in tcl
    check_project(tcl, build, json.loads((out / "node_names.json").read_text()))
