"""The experiments of ``benchmarks/acceptance.py``, each trained once for all tests of a session, whatever worker runs them."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import pickle
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


class SharedRuns:
    """``Runs`` of which each is trained in one of the processes that test side by side, while the others wait for it.

    Args:
        rows: the script's module.
        folder: of all these processes.
    """

    def __init__(self, rows: ModuleType, folder: Path) -> None:
        self.rows = rows
        self.folder = folder

    def train(self, *key: Any, **settings: Any) -> Any:
        """As ``Runs.train``; a training that is refused is refused in each process anew."""
        own = self.folder / hashlib.sha256(repr((key, settings)).encode()).hexdigest()[:16]
        own.mkdir(parents=True, exist_ok=True)
        done = own / "run.pickle"
        with (own / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.is_file():
                done.write_bytes(pickle.dumps(self.rows.Runs(own).train(*key, **settings)))
        return pickle.loads(done.read_bytes())


class Experiments:
    """Measures a row of a seed once; its trainings are shared with other rows.

    Args:
        rows: the script's module.
        runs: of all trainings.
    """

    def __init__(self, rows: ModuleType, runs: SharedRuns) -> None:
        self.rows = rows
        self.runs = runs
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
def measured(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Experiments]:
    sys.path.insert(0, str(BENCHMARKS))
    rows = importlib.import_module("acceptance_rows")
    own = tmp_path_factory.getbasetemp()
    yield Experiments(rows, SharedRuns(rows, (own if worker_id == "master" else own.parent) / "acceptance"))
    sys.path.remove(str(BENCHMARKS))
