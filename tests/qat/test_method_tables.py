"""The page on training methods names what exists, in the same order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xnorflow.qat.injectors import ACTIVATIONS, SCALES, WEIGHTS
from xnorflow.qat.optim.rules import RULES
from xnorflow.qat.terms import TERMS

PAGE = (Path(__file__).parents[2] / "docs" / "training-methods.md").read_text()
TABLES = [re.findall(r"^\| ([a-z-]+) \|", table, flags=re.MULTILINE)[1:] for table in re.findall(r"(?:^\|.*\n)+", PAGE, flags=re.MULTILINE)]


@pytest.mark.parametrize(("index", "names"), list(enumerate([WEIGHTS, SCALES, ACTIVATIONS, RULES.names, TERMS.names])))
def test_each_table_lists_its_registry(index: int, names: tuple[str, ...]) -> None:
    assert TABLES[index] == list(names)


def test_there_are_no_other_tables() -> None:
    assert len(TABLES) == 5
