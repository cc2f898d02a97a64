"""Compiles tops and the C++ harness into one executable, and keeps it under a name made of the hash of its sources."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.errors import CheckFailedError
from xnorflow.sim.engine import objects
from xnorflow.sim.engine.environment import verilator_environment
from xnorflow.sim.engine.wrapper import Top, port_table, wrapper_module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HARNESS = Path(__file__).parent
_SOURCES = ("main.cpp", "driver.cpp", "driver.hpp", "gate.hpp", "dut.hpp")
_MAKE = ("CFG_CXXFLAGS_PCH_I=-include", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
_FLAGS = ("--cc", "--exe", "--no-timing", "-O3", "--x-initial", "unique", "--unroll-count", "4096", "-Wno-fatal", "-CFLAGS", "-std=gnu++20")
# For speed of simulation: functions of at most 500 operations, because g++ -O2 takes minutes over one of 10,000 lines (5 s in pieces).
# For speed of compilation: one file, because the precompiled headers of a split model take longer than its code.
_SPLIT = {True: ("--output-split-cfuncs", "500"), False: ("--output-split", "0")}


@dataclass(frozen=True)
class CompiledModel:
    """An executable that simulates one or more tops.

    Attributes:
        executable: the program.
        tops: the tops it holds.
    """

    executable: Path
    tops: tuple[Top, ...]

    def top(self, module: str) -> Top:
        """The top of that module name."""
        return next(t for t in self.tops if t.module == module)


def compile_model(
    verilog: Sequence[Path], tops: tuple[Top, ...], cache: Path, *, optimise: bool = True, progress: Callable[[str], None] | None = None
) -> CompiledModel:
    """Compile tops into one executable; memory images are read when it runs, so that new weights need no new model.

    Args:
        verilog: all source files, library cells and tops.
        tops: what to wrap.
        cache: folder for compiled models; when nothing can be written there, a temporary folder serves instead.
        optimise: for speed of simulation; otherwise for speed of compilation.
        progress: called with a line of text.

    Raises:
        MissingToolError: Verilator, g++, make or perl is not there.
        CheckFailedError: the sources do not compile; the message holds the first error.
    """
    sources = {f"v{i}_{path.name}": path.read_bytes() for i, path in enumerate(verilog)}
    sources["xf_sim.sv"] = wrapper_module(tops).encode()
    sources["table.cpp"] = port_table(tops).encode()
    sources |= {name: (HARNESS / name).read_bytes() for name in _SOURCES}
    target = _writable(cache) / _key(sources, optimise)
    if not (target / "engine").is_file():
        if progress is not None:
            progress("compiling the Verilator model")
        _build(sources, target, optimise)
    return CompiledModel(target / "engine", tops)


def _key(sources: dict[str, bytes], optimise: bool) -> str:
    digest = hashlib.sha256(repr((_FLAGS, _SPLIT, _MAKE, optimise, sys.platform)).encode())
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + hashlib.sha256(sources[name]).digest())
    return f"verilator-{digest.hexdigest()[:16]}"


def _writable(cache: Path) -> Path:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return cache
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"xnorflow-models-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder if folder.stat().st_uid == os.getuid() else Path(tempfile.mkdtemp(prefix="xnorflow-models-"))


def _build(sources: dict[str, bytes], target: Path, optimise: bool) -> None:
    """Compile in a temporary folder and move the executable into place, so that a broken build leaves nothing.

    The folder is the system's, because make cannot work where the path holds a blank.
    """
    env = verilator_environment()
    work = Path(tempfile.mkdtemp(prefix="xnorflow-compile-"))
    try:
        for name, data in sources.items():
            (work / name).write_bytes(data)
        verilog = [name for name in sources if name.startswith("v") or name == "xf_sim.sv"]
        cpp = [f"../{name}" for name in sources if name.endswith(".cpp")]
        command = [
            "verilator",
            *_FLAGS,
            *_SPLIT[optimise],
            "--top-module",
            "xf_sim",
            "--prefix",
            "Vxf_sim",
            "-CFLAGS",
            "-I..",
            "-Mdir",
            "obj",
            "-o",
            "../engine",
        ]
        _run([*command, *verilog, *cpp], work, env)
        shared = _objects_key(env, optimise)
        objects.reuse(shared, work / "obj")
        make = ["make", "-s", "-j", str(os.cpu_count() or 1), "-C", "obj", "-f", "Vxf_sim.mk", *_MAKE, f"OPT_FAST={'-O2' if optimise else '-O0'}"]
        _run(make, work, env)
        objects.keep(shared, work / "obj")
        publish(work / "engine", target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def publish(engine: Path, target: Path) -> None:
    """Move a program to ``target/engine`` in one step; one that stands there, and may be running, stays."""
    done = Path(tempfile.mkdtemp(prefix=".done-", dir=target.parent))
    try:
        shutil.move(engine, done / "engine")
        try:
            done.rename(target)
        except OSError:  # it exists: by another process that was faster, or by one that died
            if not (target / "engine").is_file():
                (done / "engine").rename(target / "engine")
    finally:
        shutil.rmtree(done, ignore_errors=True)


def _objects_key(env: dict[str, str], optimise: bool) -> str:
    """Names the compiler, Verilator and the harness, all that those objects depend on."""
    compiler = subprocess.run(["g++", "--version"], env=env, capture_output=True, check=True).stdout
    verilator = Path(shutil.which("verilator_bin", path=env["PATH"]) or "").resolve()
    digest = hashlib.sha256(repr((_FLAGS, _MAKE, optimise, str(verilator), verilator.stat().st_mtime_ns)).encode() + compiler)
    for name in _SOURCES:
        digest.update((HARNESS / name).read_bytes())
    return f"objects-{digest.hexdigest()[:16]}"


def _run(command: list[str], work: Path, env: dict[str, str]) -> None:
    result = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = [line for line in (result.stderr + result.stdout).splitlines() if "rror" in line]
        raise CheckFailedError(f"{command[0]} failed: {lines[0] if lines else f'exit code {result.returncode}'}")
