"""The scripts that train the networks of a family within a given time and prove them on every link."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from xnorflow.errors import BadInputError
from xnorflow.qat.recipe import load_recipe

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
FAMILIES = sorted((BENCHMARKS / "families").glob("*.yaml"))
SMALL = ["train.batch_size=32", "train.threads=1", "data.limit_train=96"]
WRITER = """
import json, pathlib, sys, time
out, _ = json.loads(sys.argv[1])
for stage, seconds in PLAN:
    table = pathlib.Path(out) / "logs" / stage / "metrics.csv"
    table.parent.mkdir(parents=True)
    for epoch in range(3):
        time.sleep(seconds)
        table.write_text("row" * epoch)
"""


@pytest.fixture(scope="module")
def scripts() -> Iterator[Any]:
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def within(scripts: Any) -> ModuleType:
    return scripts("train_within")


@pytest.fixture(scope="module")
def families(scripts: Any) -> ModuleType:
    return scripts("families")


@pytest.mark.parametrize("recipe", FAMILIES, ids=lambda path: path.stem)
def test_a_familys_recipe_trains_its_network_on_pixels_that_hardware_takes(recipe: Path) -> None:
    loaded = load_recipe(str(recipe), [])
    assert loaded.model.name == recipe.stem
    assert all(stage.quant.weight != "real" for stage in loaded.chain()[-1:])
    assert set(loaded.data.pixel_norm().mean) == {128 / 255}


def test_the_short_epochs_of_a_training_tell_how_long_one_takes(within: ModuleType) -> None:
    found = within.seconds_of_epochs("tfc-digits", SMALL, load_recipe("tfc-digits", SMALL), 32 * within.SHORT_STEPS, "digits")
    assert 0 < found < 60


def planned(within: ModuleType, monkeypatch: pytest.MonkeyPatch, plan: str, stages: int, images: int) -> float:
    monkeypatch.setattr(within, "SHORT", WRITER.replace("PLAN", plan))
    recipe = SimpleNamespace(train=SimpleNamespace(batch_size=10), chain=lambda: [SimpleNamespace(name=f"s{n}") for n in range(stages)])
    return within.seconds_of_epochs("recipe", [], recipe, images, None)  # type: ignore[no-any-return]


def test_the_epochs_of_all_stages_add_up(within: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    found = planned(within, monkeypatch, "[('s0', 0.4), ('s1', 0.8)]", 2, 20 * within.SHORT_STEPS)
    assert 1.5 < found < 20  # 2.4


def test_a_training_that_fails_in_its_short_epochs_says_why(within: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInputError, match=r"short epochs of recipe failed: [\s\S]*ZeroDivisionError"):
        planned(within, monkeypatch, "[('s0', 1 / 0)]", 1, 400)


def run(within: ModuleType, monkeypatch: pytest.MonkeyPatch, out: Path, epoch: float) -> None:
    monkeypatch.setattr(within, "seconds_of_epochs", lambda *_: epoch)
    settings = [part for each in SMALL for part in ("--set", each)]
    monkeypatch.setattr(sys, "argv", ["train_within.py", "tfc-digits", "--seconds", "30", "--data", "digits", "--out", str(out), *settings])
    within.main()


def test_as_many_epochs_are_trained_as_fit(within: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(within, monkeypatch, tmp_path, 9.0)  # 0.94 * 30 / 9 is 3.13
    record = json.loads((tmp_path / "record.json").read_text())
    assert (record["epochs"], record["stages"], record["train_images"]) == (3, 1, 96)
    assert record["images_per_second"] == pytest.approx(3 * 96 / record["seconds"], rel=0.2)
    assert (tmp_path / "last.ckpt").is_file()


def test_a_time_too_short_for_an_epoch_trains_nothing(within: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"30 seconds are too short for one epoch of 40\.0"):
        run(within, monkeypatch, tmp_path / "out", 40.0)
    assert not (tmp_path / "out").exists()


def test_a_step_is_done_once_and_one_that_failed_again(families: ModuleType, tmp_path: Path) -> None:
    calls: list[int] = []

    def step() -> dict[str, int]:
        calls.append(1)
        return {"call": 1 // (len(calls) - 1)}

    with pytest.raises(ZeroDivisionError):
        families.once(tmp_path, "step", step)
    assert list(tmp_path.iterdir()) == []
    assert families.once(tmp_path, "step", step)["call"] == families.once(tmp_path, "step", step)["call"] == 1
    assert len(calls) == 2


def test_a_networks_record_replaces_its_own_and_tells_no_folder(families: ModuleType, tmp_path: Path) -> None:
    given = argparse.Namespace(name="b", data=f"folder={tmp_path}", work=tmp_path / "work", checkpoint=tmp_path / "c" / "x", out=tmp_path / "r.json")
    given.out.write_text('{"a": 1, "b": 2}')
    entry = {"data": given.data, "build": str(given.work / "b"), "from": str(given.checkpoint)}
    families.record_entry(given.out, given.name, entry, families.public(given))
    assert json.loads(given.out.read_text()) == {"a": 1, "b": {"data": "folder=DIR", "build": "out/families/b", "from": "out/x"}}


@pytest.mark.parametrize(("deviation", "stalls", "refused"), [(0.9, False, False), (-1.1, False, True), (40.0, True, False)])
def test_an_interval_far_from_its_estimate_is_refused(
    families: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, deviation: float, stalls: bool, refused: bool
) -> None:
    report = {"rtl": {"deviation_percent": deviation}}
    monkeypatch.setattr(families, "verify", lambda *_, **__: SimpleNamespace(to_json=lambda: report))
    given = argparse.Namespace(data="digits", rtl_images=2, stalled=2, seed=1)
    if refused:
        with pytest.raises(SystemExit, match=r"-1\.10 % off its estimate; 1 % is accepted"):
            families.hardware(tmp_path, given, stalls=stalls)
    else:
        assert families.hardware(tmp_path, given, stalls=stalls) == report


def test_a_trained_network_passes_all_steps_in_software(families: ModuleType, within: ModuleType, tmp_path: Path) -> None:
    settings = [*SMALL, "model.width=0.25", "train.epochs=1", "model.name=bireal-20", "quant.weight_scale=mean"]
    checkpoint = within.train("tfc-digits", tmp_path / "trained", overrides=settings).checkpoint
    given = argparse.Namespace(checkpoint=checkpoint, data="digits", bits=[], fine_tune_epochs=None, settings=[], fps=1e5, images=8, qonnx_images=4)
    figures = families.integers(tmp_path, given)
    assert [step["step"] for step in figures["steps"]] == ["trained", "integers"]
    assert figures["test_images"] == 360
    assert 0 < figures["nearest_to_2^24"]["share"] < 1
    families.export(tmp_path / "integers" / "integers.ckpt", tmp_path / "model.onnx", data="digits")
    assert families.compiled(tmp_path, given)["estimate"]["interval"] <= 1000
    links = families.software(tmp_path, given)["links"]
    assert {name: (link["status"], link["images"]) for name, link in links.items() if link["status"] != "not run"} == {
        "pytorch": ("equal", 8),
        "qonnx": ("equal", 4),
        "cpu": ("equal", 8),
    }
