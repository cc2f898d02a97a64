"""The recipe of each paper on digits, as the file it is, through the command line: an epoch of each stage, then evaluated and exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xnorflow.cli import app
from xnorflow.qat.recipe import load_recipe

FOLDER = Path(__file__).parents[3] / "qat" / "recipes" / "digits"


def called(*words: str) -> dict[str, object]:
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    record: dict[str, object] = json.loads(result.stdout)
    return record


@pytest.mark.parametrize("paper", ["bnext", "apd", "r2b", "bd-bnn", "bnew"])
def test_the_file_trains_evaluates_and_exports(paper: str, tmp_path: Path) -> None:
    file = FOLDER / f"{paper}.yaml"
    places = [f"stages.{stage.name}.train.epochs" for stage in load_recipe(file).stages] or ["train.epochs"]
    short = [word for place in [*places, "data.limit_train"] for word in ("--set", f"{place}={128 if place == 'data.limit_train' else 1}")]
    trained = called("train", str(file), "--out", str(tmp_path), *short)
    checkpoint = str(trained["checkpoint"])
    assert trained["recipe"] == str(file)
    assert called("evaluate", checkpoint)["accuracy"] == trained["accuracy"]
    assert called("export", checkpoint, "-o", str(tmp_path / "net.onnx"))["checkpoint"] == checkpoint
