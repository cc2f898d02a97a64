"""Stages of external tools: logs, stamps, failures, and what is left when a run is killed; the tool is a script of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError, CheckFailedError, MissingToolError
from xnorflow.flows.stages import CONTINUE, Stage, StageFolder, write_continue
from xnorflow.flows.vendor_tools import Tool, find_tool

# Says its version; else notes its arguments, and does what the file `orders` in its working directory says of this stage.
FAKE = """#!/bin/sh
[ "$1" = -version ] && { echo "vivado v2023.2 (64-bit)"; exit 0; }
for word in "$@"; do printf '%s\\n' "$word"; done >>calls
printf -- '--\\n' >>calls
echo "working on $1"
if grep -qx "fail $1" orders 2>/dev/null; then for n in 1 2 3 4 5 6 7 8 9; do echo "ERROR: line $n of $1"; done; exit 7; fi
if grep -qx "hang $1" orders 2>/dev/null; then : >hanging; sleep 60; exit 1; fi
grep -qx "forget $1" orders 2>/dev/null || : >"$1.out"
"""
STAGES = tuple(Stage(name, "vivado", (name, "a b", "$x"), (f"{name}.out",)) for name in ("one", "two", "three"))


@pytest.fixture
def folder(tmp_path, put_on_path):
    """A folder of stages in a place with blanks, and a tool on PATH."""
    put_on_path("vivado", FAKE)
    work = tmp_path / "my work"
    work.mkdir()
    write_continue(work, STAGES)
    return StageFolder(work, STAGES)


def called(folder: StageFolder) -> list[list[str]]:
    return [call.split("\n")[:-1] for call in (folder.folder / "calls").read_text().split("--\n")[:-1]]


def python_run(folder: StageFolder) -> tuple[int, str]:
    try:
        folder.run()
    except CheckFailedError as error:
        return error.exit_code, str(error)
    return 0, ""


def shell_run(folder: StageFolder) -> tuple[int, str]:
    done = subprocess.run([str(folder.folder / CONTINUE)], cwd="/", capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


RUNS = pytest.mark.parametrize("run", [python_run, shell_run])


def test_a_tool_is_found_with_its_version(folder, monkeypatch) -> None:
    tool = find_tool("vivado")
    assert tool is not None
    assert (tool.name, tool.version) == ("vivado", "2023.2")
    monkeypatch.setattr("xnorflow.flows.vendor_tools._VERSION", __import__("re").compile("never(x)"))
    assert find_tool("vivado") == Tool("vivado", tool.path, "unknown")
    assert find_tool("no-such-tool") is None


@RUNS
def test_stages_run_in_order_with_the_arguments_they_were_given(folder, run) -> None:
    assert run(folder) == (0, "")
    assert called(folder) == [[name, "a b", "$x"] for name in ("one", "two", "three")]
    assert (folder.folder / "logs" / "two.log").read_text() == "working on two\n"
    assert all(folder.done(stage) for stage in STAGES)
    assert run(folder) == (0, "")
    assert len(called(folder)) == 3


@RUNS
def test_a_failure_reports_the_exit_code_and_the_end_of_the_log_and_the_next_run_goes_on_there(folder, run) -> None:
    (folder.folder / "orders").write_text("fail two\n")
    code, said = run(folder)
    assert code == 1
    assert "vivado failed in stage two with exit code 7; its log " in said
    assert [f"line {n} of two" in said for n in range(1, 10)] == [False, *[True] * 8]
    assert "working on two" not in said
    (folder.folder / "orders").unlink()
    assert run(folder) == (0, "")
    assert [call[0] for call in called(folder)] == ["one", "two", "two", "three"]


@RUNS
def test_a_tool_that_ends_well_but_makes_nothing_has_failed(folder, run) -> None:
    (folder.folder / "orders").write_text("forget two\n")
    code, said = run(folder)
    assert code == 1
    assert "vivado ended stage two without making two.out" in said
    assert not folder.done(STAGES[1])


@RUNS
def test_a_stage_whose_product_is_gone_runs_again_and_all_after_it(folder, run) -> None:
    run(folder)
    (folder.folder / "two.out").unlink()
    assert run(folder) == (0, "")
    assert [call[0] for call in called(folder)] == ["one", "two", "three", "two", "three"]


def test_the_two_ways_to_run_know_each_others_stamps(folder) -> None:
    (folder.folder / "orders").write_text("fail three\n")
    assert shell_run(folder)[0] == 1
    (folder.folder / "orders").unlink()
    lines: list[str] = []
    folder.run(lines.append)
    assert lines[:2] == ["one: done before", "two: done before"]
    assert lines[2] == f"three: vivado 2023.2, log {folder.folder}/logs/three.log"
    assert lines[3].startswith("three: done in ")


def test_without_the_tool_nothing_starts_and_the_line_says_what_is_missing(folder, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert folder.missing() == ("vivado",)
    with pytest.raises(MissingToolError, match=r"^vivado is not on PATH: install AMD Vivado .*; or copy .* and run continue\.sh there$"):
        folder.run()
    assert shell_run(folder) == (2, "not on PATH: vivado\n")
    assert sorted(p.name for p in folder.folder.iterdir()) == [CONTINUE]


KILLED = """
import sys
from pathlib import Path
from xnorflow.flows.stages import Stage, StageFolder
StageFolder(Path(sys.argv[1]), tuple(Stage(n, "vivado", (n,), (n + ".out",)) for n in ("one", "two"))).run()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_goes_on_after_its_last_finished_stage(folder, how) -> None:
    """A killed run leaves its tool at work, and until that ends no other run may begin; an interrupted one ends its tool."""
    (folder.folder / "orders").write_text("hang two\n")
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder.folder)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder.folder / "hanging").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(how)
    process.wait(30)
    if how == signal.SIGKILL:
        with pytest.raises(BadInputError, match="another run, or a tool that one left behind, is at work in"):
            folder.run()
        holders = [p for p in Path("/proc").glob("[0-9]*") if _works_in(p, folder.folder)]
        for holder in holders:
            os.kill(int(holder.name), signal.SIGKILL)
        while any(_works_in(p, folder.folder) for p in holders):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    else:
        assert [p for p in Path("/proc").glob("[0-9]*") if _works_in(p, folder.folder)] == []
    assert [folder.done(stage) for stage in STAGES] == [True, False, False]
    (folder.folder / "orders").unlink()
    folder.run()
    assert [call[0] for call in called(folder)] == ["one", "two", "two", "three"]


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder
    except OSError:
        return False


def test_a_long_stage_tells_how_it_goes(folder, monkeypatch) -> None:
    (folder.folder / "orders").write_text("hang one\n")
    monkeypatch.setattr("xnorflow.flows.stages._TICK", 0.2)
    lines: list[str] = []

    def tell(text: str) -> None:
        lines.append(text)
        if text.startswith("one: 0 s, working on one"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.run(tell)
    assert lines[-1] == "one: 0 s, working on one"
    assert not folder.done(STAGES[0])
