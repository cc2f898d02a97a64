"""The compiled module: its stub is current, it releases the interpreter's lock, and its objects keep to themselves."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from xnorflow import kernels
from xnorflow.kernels import IntLayer

ROOT = Path(__file__).parents[2]


def test_the_committed_stub_is_what_nanobind_writes(tmp_path: Path) -> None:
    stub = tmp_path / "_kernels.pyi"
    subprocess.run([sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "xnorflow._kernels", "-o", stub], check=True, cwd=tmp_path)
    assert stub.read_text() == (ROOT / "src/xnorflow/_kernels.pyi").read_text()


def test_a_running_kernel_lets_other_threads_run() -> None:
    """With the lock held, no other thread could read the clock between the start and the end of the call."""
    layer = IntLayer(np.ones((256, 2000), dtype=np.int64), 2000, isa="reference")
    x = np.ones((2000, 1, 1, 2000), dtype=np.uint8)
    span: list[float] = []

    def work() -> None:
        span.append(time.perf_counter())
        layer.accumulate(x)
        span.append(time.perf_counter())

    worker = threading.Thread(target=work)
    worker.start()
    seen = []
    while worker.is_alive():
        seen.append(time.perf_counter())
        time.sleep(0.001)
    start, end = span
    margin = (end - start) / 10
    assert any(start + margin < moment < end - margin for moment in seen)


def objects() -> list[Path]:
    return sorted(ROOT.glob("build/*/CMakeFiles/xnorflow_kernels.dir/kernels/isa_*.o"))


def tool_output(tool: str, *arguments: str) -> str:
    if not objects():
        pytest.skip("the build folder with the kernels' object files is not here")
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} (binutils) is not installed")
    return subprocess.run([tool, *arguments], check=True, capture_output=True, text=True).stdout


def test_objects_of_one_instruction_set_export_one_table_and_no_weak_symbol() -> None:
    """A weak function compiled for a new CPU could be the copy that the linker keeps for old ones too."""
    for path in objects() or [Path()]:
        symbols = re.findall(r"^[0-9a-f]* ([A-TV-Za-z]) (.*)$", tool_output("nm", "-C", str(path)), re.MULTILINE)
        exported = [name for kind, name in symbols if kind.isupper() or kind in "wv"]
        assert len(exported) == 1, f"{path.name} exports {exported}"
        assert exported[0].startswith("xnorflow::k")


def test_the_fast_kernel_keeps_its_accumulators_in_registers() -> None:
    if "avx512" not in kernels.available():
        pytest.skip("this CPU has no AVX-512 kernel")
    path = next((p for p in objects() if "avx512" in p.name), Path())
    code = tool_output("objdump", "-d", "--no-show-raw-insn", str(path))
    tile = re.search(r"<[^>]*xnor_tileILi4E[^>]*>:\n(.*?)\n\n", code, re.DOTALL)
    assert tile, "the tile of four windows is not in the object"
    lines = tile[1].splitlines()
    counts = sum("vpopcntq" in line for line in lines)
    assert counts >= 16
    assert counts % 16 == 0
    assert not [line for line in lines if "zmm" in line and ("(%rsp" in line or "(%rbp" in line)]
