"""The board build as a whole, with a Vivado that the test writes: it records what it is given, and can fail or be missing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from math import lcm
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.flows.board.boards import BOARDS
from xnorflow.flows.board.project import STAGES
from xnorflow.flows.board.shell import shell
from xnorflow.flows.board.widths import dma_bytes
from xnorflow.flows.render import shell_text
from xnorflow.hw.emit.folder import LIBRARY

TCLSH = shutil.which("tclsh")
STUBS = Path(__file__).with_name("vivado_stubs.tcl")
NAMES = [stage.name for stage in STAGES]
PRODUCTS = "\n".join(f"  {stage.name}) for f in {' '.join(stage.makes)}; do mkdir -p $(dirname $f); echo 0.5 0.05 >$f; done;;" for stage in STAGES)
FAKE = f"""#!/bin/sh
[ "$1" = -version ] && {{ echo "Vivado v2024.1 (64-bit)"; exit 0; }}
printf '%s|' "$PWD" "$@" >>"$CALLS"; echo >>"$CALLS"
stage=$(basename "$6" .tcl)
if [ "$FAILING" = "$stage" ]; then echo "ERROR: [Synth 8-439] module not found"; echo "ERROR: [Common 17-69] Command failed"; exit 3; fi
case "$stage" in
{PRODUCTS}
esac
"""
TCL_FAKE = """#!/bin/sh
[ "$1" = -version ] && { echo "Vivado v2024.1 (64-bit)"; exit 0; }
printf 'source "%s"\\nsource "%s"\\n' "$STUBS" "$6" >driver.tcl
exec tclsh driver.tcl
"""


@pytest.fixture
def vivado(tmp_path, put_on_path, monkeypatch):
    """Puts a fake Vivado on PATH; gives the file of its calls."""
    put_on_path("vivado", FAKE)
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("FAILING", "")
    return tmp_path / "calls"


def stages_called(calls: Path) -> list[str]:
    return [Path(line.split("|")[6]).stem for line in calls.read_text().splitlines()]


def test_with_vivado_every_stage_runs_in_the_folder_and_the_deployment_is_complete(build, vivado, tmp_path) -> None:
    out = tmp_path / "my board"
    lines: list[str] = []
    result = shell(build.folder, "Pynq-Z1", out, progress=lines.append)
    assert (result.done, result.missing, result.slack_ns) == (tuple(NAMES), (), (0.5, 0.05))
    expected = [[str(out), "-mode", "batch", "-nojournal", "-nolog", "-source", f"tcl/{name}.tcl", ""] for name in NAMES]
    assert [line.split("|") for line in vivado.read_text().splitlines()] == expected
    assert all((out / "tcl" / f"{name}.tcl").is_file() for name in NAMES)
    assert {p.name for p in (out / "deploy").iterdir()} == {"xnorflow.bit", "xnorflow.hwh", "settings.json", "run.py", "python"}
    assert lines[0] == f"project: vivado 2024.1, log {out}/logs/project.log"
    assert (result.network_interval, result.interval) == (build.estimate.interval, max(build.estimate.interval, 7 * 10 * 3 // 2))
    assert f"at most {1e8 / result.interval:,.0f} images/s" in shell_text(result)
    assert "left: nothing" in shell_text(result)
    assert f"copy {out}/deploy to the board" in shell_text(result)


def test_where_the_dma_is_slower_than_the_network_the_words_say_so(build, tmp_path, without_vivado) -> None:
    slow = replace(shell(build.folder, "Pynq-Z1", tmp_path / "out"), interval=500, network_interval=80)
    assert "at most 200,000 images/s (the DMA needs 500 cycles an image, the network 80)" in shell_text(slow)


def test_without_vivado_everything_is_written_and_continue_sh_does_the_rest_elsewhere(build, tmp_path, monkeypatch, vivado) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "/usr/bin:/bin")
        lines: list[str] = []
        result = shell(build.folder, "KV260_SOM", tmp_path / "out", progress=lines.append)
    assert (result.done, result.missing) == ((), ("vivado",))
    assert len(lines) == 1
    assert lines[0].startswith("vivado is not on PATH: install AMD Vivado")
    assert "run continue.sh in it, or this command with --resume" in lines[0]
    moved = tmp_path / "another machine" / "x y"
    moved.parent.mkdir()
    (tmp_path / "out").rename(moved)
    done = subprocess.run([str(moved / "continue.sh")], cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("all stages are done\n")
    assert stages_called(vivado) == NAMES
    result = shell(build.folder, "KV260_SOM", moved, resume=True)
    assert result.done == tuple(NAMES)
    assert stages_called(vivado) == NAMES


def test_a_failure_shows_the_end_of_the_log_and_resume_goes_on_at_that_stage(build, vivado, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("FAILING", "synthesis")
    with pytest.raises(CheckFailedError) as error:
        shell(build.folder, "Ultra96", out)
    text = "ERROR: [Synth 8-439] module not found | ERROR: [Common 17-69] Command failed"
    assert str(error.value) == f"vivado failed in stage synthesis with exit code 3; its log {out}/logs/synthesis.log ends: {text}"
    monkeypatch.setenv("FAILING", "")
    with pytest.raises(BadInputError, match=r"out exists; choose another folder or give --force to replace it$"):
        shell(build.folder, "Ultra96", out)
    assert shell(build.folder, "Ultra96", out, resume=True).done == tuple(NAMES)
    assert stages_called(vivado) == ["project", "synthesis", "synthesis", "implementation", "bitstream"]


@pytest.mark.parametrize(("change", "what"), [({"board": "Pynq-Z2"}, "board"), ({"clock_ns": 8.0}, "clock_ns")])
def test_resume_refuses_what_was_made_otherwise(build, tmp_path, without_vivado, change, what) -> None:
    shell(build.folder, "Pynq-Z1", tmp_path / "out")
    with pytest.raises(BadInputError, match=f"cannot be resumed: it was made with another {what}; leave out --resume"):
        shell(build.folder, **{"board": "Pynq-Z1", "out": tmp_path / "out", "resume": True, **change})
    with pytest.raises(BadInputError, match=r"cannot be resumed: it is no board build \(it has no shell\.json\)"):
        shell(build.folder, "Pynq-Z1", tmp_path / "none", resume=True)


def test_bad_requests_are_refused_before_anything_is_written(build, tmp_path, without_vivado) -> None:
    with pytest.raises(BadInputError, match=r"^board 'Arty' is unknown; accepted are Pynq-Z1, Pynq-Z2, Ultra96, KV260_SOM$"):
        shell(build.folder, "Arty", tmp_path / "out")
    for clock in (0.0, float("nan"), 200.0):
        with pytest.raises(BadInputError, match="ns is not possible; 1 to 100 ns are accepted"):
            shell(build.folder, "Pynq-Z1", tmp_path / "out", clock_ns=clock)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "words.tex").write_text("words")
    with pytest.raises(BadInputError, match="is not replaced: it is no board build"):
        shell(build.folder, "Pynq-Z1", tmp_path / "thesis", force=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["thesis"]


def test_a_failure_half_way_leaves_nothing(build, tmp_path, without_vivado, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xnorflow.flows.board.project.write_deployment", fail)
    with pytest.raises(BadInputError, match=r"^board build .*out cannot be written: No space left on device$"):
        shell(build.folder, "Pynq-Z1", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_names_no_path_of_this_machine_and_is_the_same_each_time(build, tmp_path, without_vivado) -> None:
    for name in ("a", "b"):
        shell(build.folder, "Pynq-Z1", tmp_path / name, jobs=4)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) > 30
    for path in files:
        data = (tmp_path / "a" / path).read_bytes()
        assert data == (tmp_path / "b" / path).read_bytes()
        assert str(tmp_path).encode() not in data
        assert str(build.folder).encode() not in data


def test_only_on_xc7_the_cells_are_told_so(build, tmp_path, without_vivado) -> None:
    for name, board in BOARDS.items():
        shell(build.folder, name, tmp_path / name)
        for path in (tmp_path / name / "hw" / "rtl").glob("*.sv"):
            origin = (LIBRARY / path.name).read_text()
            told = board.xc7 and "`ifdef XF_XC7" in origin
            assert path.read_text() == ("`define XF_XC7\n" if told else "") + origin
        for part in ("top.v", *(f"mem/{p.name}" for p in (build.folder / "mem").iterdir())):
            assert (tmp_path / name / "hw" / part).read_bytes() == (build.folder / part).read_bytes()


@pytest.mark.parametrize(
    ("beat", "frame", "most", "expected"),
    [
        (1, 784, 8, 1),
        (8, 80, 8, 8),
        (16, 160, 8, 8),
        (16, 160, 16, 16),
        (3, 3072, 8, 8),
        (3, 210, 8, 2),
        (3, 3, 8, 1),
        (98, 784, 8, 8),
        (511, 511 * 8, 16, 1),
    ],
)
def test_the_dma_is_as_wide_as_whole_frames_allow(beat: int, frame: int, most: int, expected: int) -> None:
    assert dma_bytes(beat, frame, most) == expected
    assert expected == beat or frame % lcm(expected, beat) == 0


def test_a_beat_that_no_converter_takes_is_refused() -> None:
    with pytest.raises(BadInputError, match="a beat of 600 bytes is wider than the 512"):
        dma_bytes(600, 1200, 8)


@pytest.mark.skipif(TCLSH is None, reason="needs tclsh (Debian package tcl)")
def test_the_command_reports_in_one_line_what_vivados_scripts_stop_at(build, vivado, tmp_path) -> None:
    """The scripts themselves run, under a Vivado of stubs whose routing misses the clock."""
    Path(shutil.which("vivado") or "").write_text(TCL_FAKE)
    env = {**os.environ, "STUBS": str(STUBS), "RECORD": str(tmp_path / "record"), "STATUS": "Complete!", "SLACK": "-1.5"}
    command = [sys.executable, "-m", "xnorflow.cli", "shell", str(build.folder), "--board", "Pynq-Z1", "--clock", "5", "-o", "out dir", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert re.match(
        r"xnorflow: error: vivado failed in stage implementation with exit code 1; its log .*/out dir/logs/implementation\.log ends: ", last
    )
    assert "timing is not met at 200.000000 MHz: worst setup slack -1.5 ns" in last
    assert (done.stdout, (tmp_path / "out dir" / "project" / "xnorflow.xpr").is_file()) == ("", True)
    done = subprocess.run([*command, "--resume"], cwd=tmp_path, env={**env, "SLACK": "0.25"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["done"], figures["missing"], figures["slack_ns"], figures["clock_ns"]) == (NAMES, [], [0.25, 0.05], 5.0)
    assert done.stderr.splitlines()[:2] == ["project: done before", "synthesis: done before"]
