"""The C++ of the kernels without Python: clean under sanitisers on this machine, and right on an emulated ARM."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from xnorflow import kernels

ROOT = Path(__file__).parents[2]
COMMON = ["-std=c++20", "-g0", "-ffp-contract=off", "-w", "-I", str(ROOT / "kernels")]


@dataclass(frozen=True)
class Target:
    """A machine that the programs are built for and run on.

    Attributes:
        compiler, flags: what builds them.
        other: sources of other machines' instruction sets.
        runner: the command that runs them.
        tables: kernel tables that they find there.
        share: how many of the cases are worth their time there.
    """

    compiler: str
    flags: list[str]
    other: set[str]
    runner: list[str]
    tables: int
    share: float = 1.0


TARGETS = {
    "sanitisers": Target(
        "g++",
        ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DXNORFLOW_X86"],
        {"isa_neon.cpp"},
        [],
        len(kernels.available()),
    ),
    "neon": Target(
        "aarch64-linux-gnu-g++",
        ["-O2", "-static", "-DXNORFLOW_ARM64"],
        {"isa_avx2.cpp", "isa_avx512.cpp"},
        ["qemu-aarch64"],
        len(("neon", "portable", "reference")),
        share=0.4,
    ),
}


def sources() -> list[tuple[Path, list[str]]]:
    """The library's files with their own flags, as CMakeLists.txt gives them."""
    text = (ROOT / "CMakeLists.txt").read_text()
    own = {name: flags.split(";") for name, flags in re.findall(r"properties\(kernels/(\S+\.cpp) PROPERTIES COMPILE_OPTIONS\s+\"([^\"]*)\"", text)}
    names = re.findall(r"kernels/(\w+\.cpp)", text)
    wanted = sorted(name for name in set(names) if name != "module.cpp" and not name.startswith("bind_"))
    assert {"isa_avx2.cpp", "isa_avx512.cpp"} == set(own)
    assert set(names) == {path.name for path in (ROOT / "kernels").glob("*.cpp")}
    return [(ROOT / "kernels" / name, own.get(name, [])) for name in wanted]


@pytest.fixture(scope="module", params=TARGETS.values(), ids=TARGETS)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Target, Path]:
    """A target, and a folder with the library's objects for it."""
    target: Target = request.param
    if platform.machine() != "x86_64":
        pytest.skip("the targets are an x86-64 and what it emulates")
    for tool in (target.compiler, *target.runner):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not here")
    folder = tmp_path_factory.mktemp("objects")
    for path, own in sources():
        if path.name not in target.other:
            subprocess.run([target.compiler, *COMMON, *target.flags, *own, "-c", str(path), "-o", str(folder / f"{path.stem}.o")], check=True)
    return target, folder


@pytest.mark.parametrize(("name", "cases"), [("layers", 30), ("network", 10)])
def test_random_layers_and_networks_equal_the_reference(built: tuple[Target, Path], tmp_path: Path, name: str, cases: int) -> None:
    target, objects = built
    program, wanted = tmp_path / "program", int(cases * target.share)
    parts = [str(Path(__file__).with_name(f"program_{name}.cpp")), *map(str, sorted(objects.glob("*.o")))]
    subprocess.run([target.compiler, *COMMON, *target.flags, *parts, "-o", str(program), "-pthread"], check=True)
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([*target.runner, str(program), str(wanted)], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{wanted * 2 * target.tables} results equal the reference\n"
