"""The resource formulas against Yosys' counts of ``benchmarks/resources_xc7.json``, with the errors that docs/folding.md states."""

from __future__ import annotations

import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from xnorflow.hw.estimate.calibration import cases, estimated
from xnorflow.hw.nodes import NODES

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
TABLE = json.loads((BENCHMARKS / "resources_xc7.json").read_text(encoding="utf-8"))
GRAPHS = dict(cases())
RELATIVE = {"lut": 0.3, "ff": 0.2, "bram18": 0.0, "dsp": 0.0}
ABSOLUTE = {"lut": 20, "ff": 20, "bram18": 0, "dsp": 0}


def test_every_case_is_recorded_and_every_cell_has_cases() -> None:
    assert set(TABLE) == set(GRAPHS)
    assert {node.op for graph in GRAPHS.values() for node in graph.nodes} == set(NODES) - {"Flatten"}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_estimate_of_a_cell_is_near_what_yosys_made(name: str) -> None:
    guess = estimated(GRAPHS[name])
    for what, real in TABLE[name].items():
        assert abs(getattr(guess, what) - real) <= max(RELATIVE[what] * real, ABSOLUTE[what]), f"{what}: {getattr(guess, what)}, Yosys {real}"


@pytest.mark.parametrize(("what", "error"), [("lut", 0.05), ("ff", 0.03)])
def test_the_mean_error_over_all_cells_is_small(what: str, error: float) -> None:
    errors = [abs(getattr(estimated(graph), what) / TABLE[name][what] - 1) for name, graph in GRAPHS.items()]
    assert np.mean(errors) <= error


@pytest.mark.yosys
def test_the_table_is_what_yosys_says_of_cells_side_by_side(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = ["SumPool taps=4 C=4 lanes=1 bits=1", "WidthConverter 8 to 1"]
    found = importlib.import_module("apart").synthesise_apart([GRAPHS[name] for name in names], tmp_path)
    assert [dataclasses.asdict(each) for each in found] == [TABLE[name] for name in names]


def test_held_out_layers_are_the_same_for_a_seed_and_not_among_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    layers = importlib.import_module("estimate_layers").layers
    first, again, other = ([name for _, name, _ in layers(seed)] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({*first}) == 40
    assert not {*first} & set(GRAPHS)
