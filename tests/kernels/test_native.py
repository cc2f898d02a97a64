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


def loops(code: str) -> list[tuple[str, list[str]]]:
    """The innermost loops of a disassembly: name of the function, and the lines from the target of a backward jump to it."""
    found = []
    for name, body in re.findall(r"^[0-9a-f]+ <(.*)>:\n((?:.+\n)+)", code, re.MULTILINE):
        lines = body.splitlines()
        address = {int(line.split(":")[0], 16): index for index, line in enumerate(lines)}
        spans = []
        for index, line in enumerate(lines):
            jump = re.search(r"\bj[a-z]+\s+([0-9a-f]+) <", line)
            start = address.get(int(jump[1], 16)) if jump else None
            if start is not None and start <= index:
                spans.append((start, index))
        inner = [(a, b) for a, b in spans if not any((c, d) != (a, b) and a <= c and d <= b for c, d in spans)]
        found += [(name, lines[a : b + 1]) for a, b in inner]
    return found


@pytest.mark.parametrize(("isa", "count"), [("avx512", "vpopcntd"), ("avx2", "vpshufb"), ("avx512", "vpmaddwd"), ("avx2", "vpmaddwd")])
def test_the_loops_of_the_kernels_keep_their_vectors_in_registers(isa: str, count: str) -> None:
    path = next((p for p in objects() if p.name.startswith(f"isa_{isa}.")), Path())
    code = tool_output("objdump", "-d", "--no-show-raw-insn", str(path))
    hot = [(name, lines) for name, lines in loops(code) if sum(count in line for line in lines) >= 2]
    widest = max(sum(count in line for line in lines) for _, lines in hot)
    assert widest >= {"vpopcntd": 16, "vpshufb": 16, "vpmaddwd": 8}[count]
    spilled = [f"{name}: {line}" for name, lines in hot for line in lines if re.search(r"[yz]mm", line) and re.search(r"\(%r[sb]p", line)]
    assert not spilled


@pytest.mark.parametrize("isa", ["avx512", "avx2"])
def test_no_kernel_object_rounds_a_product_and_a_sum_at_once(isa: str) -> None:
    """Then float outputs could differ from one instruction set to the next."""
    path = next((p for p in objects() if p.name.startswith(f"isa_{isa}.")), Path())
    assert "vfmadd" not in tool_output("objdump", "-d", "--no-show-raw-insn", str(path))
