"""The resource formulas against Yosys' counts of ``benchmarks/resources_xc7.json``, with the errors that docs/folding.md states."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from xnorflow.hw.estimate.calibration import cases, estimated
from xnorflow.hw.nodes import NODES

TABLE = json.loads((Path(__file__).parents[3] / "benchmarks" / "resources_xc7.json").read_text(encoding="utf-8"))
GRAPHS = dict(cases())
RELATIVE = {"lut": 0.35, "ff": 0.25, "bram18": 0.15, "dsp": 0.0}
ABSOLUTE = {"lut": 20, "ff": 20, "bram18": 0, "dsp": 0}


def test_every_case_is_recorded_and_every_cell_has_cases() -> None:
    assert set(TABLE) == set(GRAPHS)
    assert {node.op for graph in GRAPHS.values() for node in graph.nodes} == set(NODES) - {"Flatten"}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_estimate_of_a_cell_is_near_what_yosys_made(name: str) -> None:
    guess = estimated(GRAPHS[name])
    for what, real in TABLE[name].items():
        assert abs(getattr(guess, what) - real) <= max(RELATIVE[what] * real, ABSOLUTE[what]), f"{what}: {getattr(guess, what)}, Yosys {real}"


@pytest.mark.parametrize(("what", "error"), [("lut", 0.12), ("ff", 0.06)])
def test_the_mean_error_over_all_cells_is_small(what: str, error: float) -> None:
    errors = [abs(getattr(estimated(graph), what) / TABLE[name][what] - 1) for name, graph in GRAPHS.items()]
    assert np.mean(errors) <= error
