"""What must hold of the repository as a whole: the import contract, the size of files, the documents."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from xnorflow.hw.nodes import NODES

ROOT = Path(__file__).parents[1]
FOLDERS = ("models", "qat", "hw", "sim", "flows", "kernels", "src", "tests", "benchmarks", "examples")
SOURCES = sorted(p for f in FOLDERS for p in (ROOT / f).rglob("*") if p.suffix in {".py", ".sv", ".cpp", ".hpp"} and not p.is_symlink())
PYTHON = [p for p in SOURCES if p.suffix == ".py" and "src/xnorflow/" not in str(p.parent.parent)]


def test_the_import_contract_holds() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_importing_the_hardware_half_loads_no_torch() -> None:
    code = "import sys, xnorflow.hw.compile, xnorflow.sim.accelerator, xnorflow.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_source_file_is_longer_than_400_lines() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_no_file_of_the_repository_is_binary() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    files = [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert files
    assert [str(path.relative_to(ROOT)) for path in files if b"\0" in path.read_bytes()] == []


def test_no_function_is_longer_than_60_lines() -> None:
    long = []
    for path in (p for p in PYTHON if "tests" not in p.parts):
        functions = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        long += [f"{path.name}: {f.name}" for f in functions if f.end_lineno is not None and f.end_lineno - f.lineno >= 60]
    assert long == []


def test_the_document_of_the_graph_lists_exactly_the_nodes_of_the_code() -> None:
    text = (ROOT / "docs" / "dataflow-graph.md").read_text()
    table = text[text.index("## Nodes") : text.index("## Exactness")]
    listed = re.findall(r"^\| (\w+) \| ", table, flags=re.MULTILINE)
    assert sorted(set(listed) - {"node"}) == sorted(NODES)


def test_every_relative_link_in_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
