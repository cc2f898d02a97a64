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
COMMON = ["g++", *FLAGS, "-DXNORFLOW_X86", "-I", str(ROOT / "kernels")]


def sources() -> list[tuple[Path, list[str]]]:
    """The library's files with their own flags, as CMakeLists.txt gives them."""
    text = (ROOT / "CMakeLists.txt").read_text()
    own = {name: flags.split(";") for name, flags in re.findall(r"properties\(kernels/(\S+\.cpp) PROPERTIES COMPILE_OPTIONS\s+\"([^\"]*)\"", text)}
    names = re.findall(r"kernels/(\w+\.cpp)", text)
    wanted = sorted(name for name in set(names) if name != "module.cpp" and not name.startswith("bind_"))
    assert {"isa_avx2.cpp", "isa_avx512.cpp"} == set(own)
    assert set(names) == {path.name for path in (ROOT / "kernels").glob("*.cpp")}
    return [(ROOT / "kernels" / name, own.get(name, [])) for name in wanted]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library's objects, instrumented."""
    if shutil.which("g++") is None or platform.machine() != "x86_64":
        pytest.skip("g++ for x86-64 is not here")
    folder = tmp_path_factory.mktemp("sanitised")
    for path, own in sources():
        subprocess.run([*COMMON, *own, "-c", str(path), "-o", str(folder / f"{path.stem}.o")], check=True)
    return folder


@pytest.mark.parametrize(("program", "cases"), [("sanitised.cpp", 30), ("sanitised_program.cpp", 12)])
def test_layers_and_networks_are_clean_under_the_sanitisers(objects: Path, tmp_path: Path, program: str, cases: int) -> None:
    built = tmp_path / "program"
    parts = [str(Path(__file__).with_name(program)), *map(str, sorted(objects.glob("*.o")))]
    subprocess.run([*COMMON, *parts, "-o", str(built), "-pthread"], check=True)
    done = subprocess.run([str(built)], capture_output=True, text=True, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{cases * 2 * len(kernels.available())} results equal the reference\n"
