from __future__ import annotations

from pathlib import Path

import pytest

from xnorflow.errors import BadInputError
from xnorflow.flows.run_logs import Curve, read_curves, stage_tables


def table(folder: Path, text: str) -> Path:
    path = folder / "metrics.csv"
    path.write_text(text)
    return path


def test_each_quantity_has_a_value_an_epoch_the_last_one_logged(tmp_path: Path) -> None:
    path = table(tmp_path, "epoch,step,train/loss,val/accuracy\n0.0,3,2.5,\n0.0,7,2.25,0.5\n2.0,20,1.5,\n1.0,14,,0.625\n,9,99.0,\n")
    assert read_curves(path) == {"train/loss": Curve((1, 3), (2.25, 1.5)), "val/accuracy": Curve((1, 2), (0.5, 0.625))}


def test_a_table_without_rows_has_no_curves(tmp_path: Path) -> None:
    assert read_curves(table(tmp_path, "epoch,step\n")) == {}


@pytest.mark.parametrize("text", ["step,loss\n1,2\n", "epoch,step,loss\n0,1,x\n", "epoch,loss\n0,1,2\n", 'epoch,loss\n0,"1\n', "epoch,loss\nnan,1\n"])
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInputError, match=r"metrics.csv is no table of a training"):
        read_curves(table(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_bytes(b"epoch,loss\n0,\xff\n")
    with pytest.raises(BadInputError, match=r"metrics.csv is no table of a training"):
        read_curves(path)


def test_the_stages_of_a_run_are_found_by_name(tmp_path: Path) -> None:
    for stage in ("last", "first"):
        (tmp_path / "logs" / stage).mkdir(parents=True)
        table(tmp_path / "logs" / stage, "epoch,step\n")
    (tmp_path / "logs" / "empty").mkdir()
    assert list(stage_tables(tmp_path)) == ["first", "last"]
