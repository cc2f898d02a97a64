from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from xnorflow.sim.engine.model import compile_model, publish
from xnorflow.sim.engine.wrapper import Top

DOUBLE = """
module double (
    input wire ap_clk, ap_rst_n, s_axis_tvalid, s_axis_tlast, m_axis_tready,
    input wire [7:0] s_axis_tdata,
    output wire s_axis_tready, m_axis_tvalid, m_axis_tlast,
    output wire [7:0] m_axis_tdata
);
    assign s_axis_tready = m_axis_tready & ap_rst_n & (ap_clk | ~ap_clk);
    assign m_axis_tvalid = s_axis_tvalid;
    assign m_axis_tlast = s_axis_tlast;
    assign m_axis_tdata = s_axis_tdata << 1;
endmodule
"""


def program(folder: Path, text: str) -> Path:
    path = folder / "fresh"
    path.write_text(text)
    return path


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


@pytest.mark.verilator
def test_a_folder_with_blanks_and_quotes_in_its_name_holds_models(tmp_path: Path) -> None:
    cache = tmp_path / 'it\'s a "model" $HOME é'
    adder = tmp_path / "double.sv"
    adder.write_text(DOUBLE)
    model = compile_model((adder,), (Top("double", 1, 1),), cache, optimise=False)
    assert names(cache) == [model.executable.parent.name, f"{model.executable.parent.name}/engine"]
    assert subprocess.run([model.executable], capture_output=True, check=False).returncode == 2


def test_a_compiled_program_appears_whole_and_alone(tmp_path: Path) -> None:
    publish(program(tmp_path, "new"), tmp_path / "model")
    assert names(tmp_path) == ["model", "model/engine"]
    assert (tmp_path / "model" / "engine").read_text() == "new"


def test_the_program_of_a_faster_process_stays(tmp_path: Path) -> None:
    """It may be running, or be about to: two verifies of one build compile the same model."""
    publish(program(tmp_path, "first"), tmp_path / "model")
    before = (tmp_path / "model" / "engine").stat().st_ino
    publish(program(tmp_path, "second"), tmp_path / "model")
    assert names(tmp_path) == ["model", "model/engine"]
    assert (tmp_path / "model" / "engine").stat().st_ino == before


def test_a_folder_without_its_program_is_completed(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "half").write_text("")
    publish(program(tmp_path, "new"), tmp_path / "model")
    assert names(tmp_path) == ["model", "model/engine", "model/half"]
