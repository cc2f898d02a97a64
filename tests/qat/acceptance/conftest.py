"""The experiments of ``benchmarks/acceptance.py``, each trained once for all tests of a session."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


class Measured:
    """Figures of one experiment and one seed, and what they must be."""

    def __init__(self, figures: dict[str, float], bounds: dict[str, list[tuple[str, bool]]]) -> None:
        self.figures = figures
        self.bounds = bounds

    def meets(self, *names: str) -> None:
        """Every acceptance figure of these names is met."""
        for name in names:
            for text, held in self.bounds[name]:
                assert held, f"{name} is {self.figures[name]:.6g}, accepted is {text}"


class Experiments:
    """Measures a row of a seed once; its trainings are shared with other rows.

    Args:
        rows: the script's module.
        folder: for the trainings.
    """

    def __init__(self, rows: ModuleType, folder: Path) -> None:
        self.rows = rows
        self.runs = rows.Runs(folder)
        self.known: dict[tuple[str, int], Measured] = {}

    def __call__(self, name: str, seed: int) -> Measured:
        if (name, seed) not in self.known:
            (row,) = (row for row in self.rows.ROWS if row.name == name)
            figures = row.measure(self.runs, seed)
            bounds: dict[str, list[tuple[str, bool]]] = {}
            for bound in row.bounds:
                bounds.setdefault(bound.figure, []).append((bound.text(), bound.holds(figures)))
            self.known[name, seed] = Measured(figures, bounds)
        return self.known[name, seed]

    def run(self, recipe: str, seed: int) -> Any:
        """The training of a recipe of ``benchmarks/acceptance``."""
        return self.rows.training(self.runs, recipe, seed)


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Experiments]:
    sys.path.insert(0, str(BENCHMARKS))
    yield Experiments(importlib.import_module("acceptance_rows"), tmp_path_factory.mktemp("acceptance"))
    sys.path.remove(str(BENCHMARKS))
