"""The page on training runs lists what there is."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.loop.settings import PRECISIONS, LoopSettings
from xnorflow.qat.recipe import load_recipe
from xnorflow.qat.training import run_training

PAGE = (Path(__file__).parents[3] / "docs" / "training-runs.md").read_text()


def rows(heading: str) -> list[list[str]]:
    section = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_lists_every_setting_with_its_default() -> None:
    listed = {name: default for name, default, _ in rows("Settings of the loop")}
    expected = {field.name: field.default for field in dataclasses.fields(LoopSettings)}
    assert listed == {name: str(value).lower().removesuffix(".0") for name, value in expected.items()}
    assert all(name in PAGE for name in PRECISIONS)


def test_the_page_lists_every_logged_column(tmp_path: Path) -> None:
    listed = {name for row in rows("Logs") for name in re.split(", ", row[0])}
    done = run_training(load_recipe("tfc-digits", ["train.epochs=1", "data.limit_train=64", "model.width=0.25"]), tmp_path)
    logged = set(load_checkpoint(done.checkpoint)[0].metrics)
    assert listed == {re.sub("^terms/.*", "terms/NAME", name) for name in logged} | {"step"}
