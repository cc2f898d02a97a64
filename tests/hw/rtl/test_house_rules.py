"""The rules of the RTL library that a text can show."""

import re

import pytest

from xnorflow.sim.bench.matrix import MATRIX
from xnorflow.sim.tools import LIBRARY, library_sources

FILES = library_sources()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_file_holds_one_module_of_its_name_a_header_and_no_implicit_nets(path):
    text = path.read_text()
    assert re.findall(r"^module (\w+)", text, re.MULTILINE) == [path.stem]
    assert text.startswith("// ")
    assert "// Contract: " in text
    assert "`default_nettype none" in text
    assert text.rstrip().endswith("`default_nettype wire")
    assert len(text.splitlines()) <= 250
    assert max(len(line) for line in text.splitlines()) <= 150


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_no_operator_that_tools_read_differently_stands_in_a_size_cast(path):
    assert not re.search(r"\w'\([^()]*~", path.read_text())


def test_the_index_lists_every_file():
    index = (LIBRARY / "README.md").read_text()
    assert set(re.findall(r"^\| `(xf_\w+)`", index, re.MULTILINE)) == {path.stem for path in FILES}


def test_every_cell_of_the_matrix_exists():
    assert set(MATRIX) <= {path.stem for path in FILES}
