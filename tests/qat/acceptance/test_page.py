"""The record and the page in the documents are whole, agree, and meet every acceptance figure."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module("acceptance")
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def record(script: ModuleType) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    return json.loads(script.RESULT.read_text(encoding="utf-8"))


def test_every_row_is_recorded_on_three_seeds(script: ModuleType, record) -> None:
    assert {name: sorted(seeds) for name, seeds in record["rows"].items()} == {row.name: ["0", "1", "2"] for row in script.ROWS}


def test_every_acceptance_figure_is_met_on_every_seed(script: ModuleType, record) -> None:
    assert script.broken(record) == []


def test_a_figure_that_is_not_met_is_named(script: ModuleType, record) -> None:
    worse = json.loads(json.dumps(record))
    worse["rows"]["attention"]["1"]["fall"] = 0.2
    assert script.broken(worse) == ["attention, seed 1: fall is 0.2, accepted is >= 0.35"]


def test_the_page_in_the_documents_is_current(script: ModuleType, record) -> None:
    assert script.page(record) == script.PAGE.read_text(encoding="utf-8")
