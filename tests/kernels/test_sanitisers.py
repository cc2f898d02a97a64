"""The C++ of the kernels, built with the address and undefined-behaviour sanitisers, runs clean and equals the reference."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from xnorflow import kernels

ROOT = Path(__file__).parents[2]
FLAGS = ["-std=c++20", "-O1", "-g0", "-ffp-contract=off", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-w"]


def sources() -> list[tuple[Path, list[str]]]:
    """The library's files with their own flags, as CMakeLists.txt gives them."""
    text = (ROOT / "CMakeLists.txt").read_text()
    own = {name: flags.split(";") for name, flags in re.findall(r"properties\(kernels/(\S+\.cpp) PROPERTIES COMPILE_OPTIONS\s+\"([^\"]*)\"", text)}
    names = re.findall(r"kernels/(\w+\.cpp)", text)
    wanted = sorted(name for name in set(names) if name != "module.cpp" and not name.startswith("bind_"))
    assert {"isa_avx2.cpp", "isa_avx512.cpp"} == set(own)
    assert set(names) == {path.name for path in (ROOT / "kernels").glob("*.cpp")}
    return [(ROOT / "kernels" / name, own.get(name, [])) for name in wanted]


def test_random_layers_are_clean_under_the_sanitisers(tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    if compiler is None or platform.machine() != "x86_64":
        pytest.skip("g++ for x86-64 is not here")
    common = [compiler, *FLAGS, "-DXNORFLOW_X86", "-I", str(ROOT / "kernels")]
    files = [*sources(), (Path(__file__).with_name("sanitised.cpp"), [])]
    for path, own in files:
        subprocess.run([*common, *own, "-c", str(path), "-o", str(tmp_path / f"{path.stem}.o")], check=True)
    program = tmp_path / "sanitised"
    subprocess.run([*common, *map(str, sorted(tmp_path.glob("*.o"))), "-o", str(program), "-pthread"], check=True)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([str(program)], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{30 * 2 * len(kernels.available())} results equal the reference\n"
