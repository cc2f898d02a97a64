from __future__ import annotations

import json
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError
from xnorflow.flows.evaluate import evaluate
from xnorflow.flows.export import export
from xnorflow.flows.train import train


def test_a_recipe_trains_evaluates_and_exports(tmp_path: Path) -> None:
    trained = train("tfc-digits", tmp_path / "run", overrides=["train.epochs=15"])
    assert trained.accuracy is not None
    assert trained.accuracy > 0.8
    assert trained.measured() == f"{100 * trained.accuracy:.2f} % on 360 test images"
    assert trained.seconds > 0
    assert json.loads(json.dumps(trained.to_json()))["data"] == "digits"
    evaluated = evaluate(trained.checkpoint)
    assert (evaluated.images, evaluated.accuracy) == (360, trained.accuracy)
    told: list[str] = []
    exported = export(trained.checkpoint, tmp_path / "net.onnx", images=20, progress=told.append)
    assert (exported.images, exported.data_images) == (20, 10)
    assert told == ["comparing QONNX with PyTorch on 20 images"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["net.onnx", "run"]


def test_a_recipe_whose_data_need_a_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="data 'mnist' lacks its folder; write mnist=DIR"):
        train("tfc-mnist", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_data_argument_replaces_the_recipes_data(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"mnist=.*/none holds no train-images-idx3-ubyte"):
        train("tfc-mnist", tmp_path / "run", data=f"mnist={tmp_path}/none")


def test_a_resumed_training_goes_on_in_its_folder(tmp_path: Path) -> None:
    short = ["train.epochs=2", "data.limit_train=64", "model.width=0.25"]
    train("tfc-digits", tmp_path / "run", overrides=short, stop_after=1)
    assert train("tfc-digits", overrides=short, resume=tmp_path / "run").checkpoint == tmp_path / "run" / "last.ckpt"
    file = tmp_path / "run" / "last.ckpt"
    assert train("tfc-digits", overrides=short, resume=file).checkpoint == file
    train("tfc-digits", tmp_path / "run", overrides=short, stop_after=1, force=True)
    assert train("tfc-digits", tmp_path / "other", overrides=short, resume=file).checkpoint == tmp_path / "other" / "last.ckpt"
