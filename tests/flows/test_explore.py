from __future__ import annotations

import csv
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest

from xnorflow.errors import BadInputError, MissingToolError
from xnorflow.flows import explore as module
from xnorflow.flows.compile import compile_
from xnorflow.flows.explore import Point, explore, pareto, spread
from xnorflow.hw.random_networks import draw

ONE = Point(asked=10, interval=10, latency=20, fps=1e7, lut=100, ff=9, bram18=0, dsp=0, fifo_bits=0, limiting=("a",))


@pytest.fixture(scope="module")
def build(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("explore")
    onnx.save(draw(3), folder / "model.onnx")
    compile_(folder / "model.onnx", folder / "build")
    return folder / "build"


def test_each_point_is_what_compiling_for_its_rate_gives_and_the_front_is_drawn(build: Path, tmp_path: Path) -> None:
    result = explore(build, tmp_path / "out", points=4)
    assert len(result.points) == result.computed >= 3
    point = result.points[0]
    estimate = compile_(build / "model.onnx", tmp_path / "build", fps=1e8 / (point.asked + 0.5)).build.estimate
    assert (point.interval, point.latency, point.lut) == (estimate.interval, estimate.latency, estimate.total.lut)
    assert result.front[0] == point.interval
    rows = list(csv.DictReader((tmp_path / "out" / "explore.csv").read_text().splitlines()))
    assert [int(row["lut"]) for row in rows] == [p.lut for p in result.points]
    assert {int(row["interval"]) for row in rows if row["on_front"] == "1"} == set(result.front)
    assert (tmp_path / "out" / "front.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(json.dumps(result.to_json()))["computed"] == result.computed


def test_an_interrupted_sweep_goes_on_where_it_was(build: Path, tmp_path: Path, monkeypatch) -> None:
    out, true = tmp_path / "out", module.compute
    whole = explore(build, tmp_path / "whole", points=4)

    def second_fails(text: str, interval: int, clock_mhz: float) -> Point:
        if (out / "explore.json").exists():
            raise KeyboardInterrupt
        return true(text, interval, clock_mhz)

    monkeypatch.setattr(module, "compute", second_fails)
    with pytest.raises(KeyboardInterrupt):
        explore(build, out, points=4)
    monkeypatch.setattr(module, "compute", true)
    again = explore(build, out, points=4)
    assert again.computed == len(whole.points) - 1
    assert again.points == whole.points
    for name in ("explore.json", "explore.csv", "front.png"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_points_of_another_clock_are_not_mixed(build: Path, tmp_path: Path) -> None:
    explore(build, tmp_path / "out", points=2)
    with pytest.raises(BadInputError, match="holds points of another network or clock"):
        explore(build, tmp_path / "out", points=2, clock_mhz=200.0)
    with pytest.raises(BadInputError, match="is neither a build folder nor an ONNX file"):
        explore(tmp_path / "nothing", tmp_path / "other")


class Scheduler(ThreadPoolExecutor):
    """What stands in for Dask's client: points are computed elsewhere, and come back in any order."""

    def __init__(self, address: str) -> None:
        if address != "tcp://here:8786":
            raise ValueError("invalid address")
        super().__init__(2)

    def get_executor(self) -> ThreadPoolExecutor:
        return self


def test_processes_and_a_scheduler_give_the_same_points(build: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Scheduler))
    alone = explore(build, tmp_path / "alone", points=3)
    assert explore(build, tmp_path / "processes", points=3, workers=2).points == alone.points
    assert explore(build, tmp_path / "scheduler", points=3, scheduler="tcp://here:8786").points == alone.points
    with pytest.raises(BadInputError, match=r"scheduler 'nowhere' cannot be reached \(invalid address\); accepted is an address such as"):
        explore(build, tmp_path / "nowhere", points=3, scheduler="nowhere")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingToolError, match="pip install distributed"):
        explore(build, tmp_path / "without", points=3, scheduler="tcp://here:8786")


def test_the_front_leaves_out_what_another_point_beats() -> None:
    dear, slow = replace(ONE, interval=20, lut=100), replace(ONE, interval=30, lut=50)
    assert pareto([slow, dear, ONE]) == (10, 30)
    assert spread([1, 2, 30, 100, 1000], 3) == [1, 30, 1000]
    assert spread([5, 6], 9) == [5, 6]
