from __future__ import annotations

import math
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError
from xnorflow.flows.landscape_points import HEADER, POINTS, SETTINGS, PointStore

AXIS = [-1.0, 0.0, 1.0]


def test_points_come_back_to_the_last_bit(tmp_path: Path) -> None:
    store = PointStore(tmp_path / "new", {"seed": 1}, AXIS)
    store.add(0, 2, 0.1 + 0.2)
    store.add(2, 1, math.inf)
    store.add(1, 1, math.nan)
    again = PointStore(tmp_path / "new", {"seed": 1}, AXIS).losses
    assert (again[0, 2], again[2, 1]) == (0.1 + 0.2, math.inf)
    assert math.isnan(again[1, 1])
    assert (tmp_path / "new" / POINTS).read_text().splitlines()[1] == "0,2,1.0,-1.0,0.30000000000000004"


@pytest.mark.parametrize("left", ["", "row,col", f"{HEADER}\n1,2,1.0,0.0,0.5\n0,"])
def test_an_incomplete_last_line_is_dropped_and_the_file_goes_on(tmp_path: Path, left: str) -> None:
    PointStore(tmp_path, {}, AXIS)
    (tmp_path / POINTS).write_text(left)
    store = PointStore(tmp_path, {}, AXIS)
    store.add(0, 0, 2.0)
    kept = {(1, 2): 0.5} if "0.5" in left else {}
    assert PointStore(tmp_path, {}, AXIS).losses == kept | {(0, 0): 2.0}


@pytest.mark.parametrize(
    "line", ["1,2,3", "a,0,0,0,1", "0,0,-1.0,-1.0,x", "0,3,1.0,-1.0,1", "-1,0,-1.0,1.0,1", "0,0,-1.0,0.5,1", "0,0,-1.0,-1.0,1,2"]
)
def test_lines_that_are_no_points_of_the_grid_are_refused(tmp_path: Path, line: str) -> None:
    PointStore(tmp_path, {}, AXIS)
    (tmp_path / POINTS).write_text(f"{HEADER}\n{line}\n")
    with pytest.raises(BadInputError, match=rf"{POINTS} is damaged: line 2"):
        PointStore(tmp_path, {}, AXIS)


def test_another_table_is_refused(tmp_path: Path) -> None:
    PointStore(tmp_path, {}, AXIS)
    (tmp_path / POINTS).write_text("x,y\n1,2\n")
    with pytest.raises(BadInputError, match="its first line is 'x,y'"):
        PointStore(tmp_path, {}, AXIS)


def test_settings_that_differ_or_are_missing_are_refused(tmp_path: Path) -> None:
    PointStore(tmp_path, {"seed": 1, "steps": 3}, AXIS)
    with pytest.raises(BadInputError, match="holds points of seed 1, 2 is asked for; name another folder"):
        PointStore(tmp_path, {"seed": 2, "steps": 3}, AXIS)
    with pytest.raises(BadInputError, match="holds points of steps 3, None is asked for"):
        PointStore(tmp_path, {"seed": 1}, AXIS)
    for text, message in (("[]", "it is no object"), ("{", "is damaged")):
        (tmp_path / SETTINGS).write_text(text)
        with pytest.raises(BadInputError, match=message):
            PointStore(tmp_path, {"seed": 1}, AXIS)
    (tmp_path / SETTINGS).unlink()
    with pytest.raises(BadInputError, match=r"holds landscape\.csv without settings\.json"):
        PointStore(tmp_path, {"seed": 1}, AXIS)
