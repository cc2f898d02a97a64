from __future__ import annotations

import json
import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from xnorflow.cli import app
from xnorflow.errors import BadInputError
from xnorflow.flows.plot import plot
from xnorflow.flows.train import train
from xnorflow.qat.checkpoint import load_checkpoint

PICTURES = ["last-weights", "last-kurtosis", "last-curves"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    train("tfc-digits", out, overrides=["train.epochs=2", "model.width=0.25"])
    return out


def colours(picture: Path) -> int:
    with Image.open(picture) as image:
        return len(set(image.convert("RGB").get_flattened_data()))


def test_a_run_gives_weights_kurtosis_and_curves(run: Path, tmp_path: Path) -> None:
    told: list[str] = []
    result = plot(run, tmp_path / "new" / "pictures", progress=told.append)
    assert [picture.stem for picture in result.pictures] == PICTURES
    assert sorted(tmp_path.rglob("*.*")) == sorted(result.pictures)
    assert told == [str(picture) for picture in result.pictures]
    assert all(colours(picture) > 10 for picture in result.pictures)
    assert {"train/loss", "val/accuracy", "weights/flips", "weights/kurtosis", "terms/cross-entropy"} <= set(result.logged["last"])


def test_the_figures_are_those_of_the_latent_weights(run: Path, tmp_path: Path) -> None:
    result = plot(run / "last.ckpt", tmp_path)
    network = load_checkpoint(run / "last.ckpt")[1]
    weights = dict(network.named_parameters())
    assert len(result.layers) == 4
    for layer in result.layers:
        values = weights[f"{layer.name}.weight"].detach().double().numpy().ravel()
        assert layer.binary
        assert layer.weights == values.size
        standardised = (values - values.mean()) / values.std(ddof=1)
        assert layer.kurtosis == pytest.approx((standardised**4).mean(), rel=1e-9)
        assert layer.cosine == pytest.approx(np.abs(values).sum() / np.sqrt(values.size * (values**2).sum()), rel=1e-9)


def test_a_checkpoint_away_from_its_logs_gives_its_weights(run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.ckpt"
    shutil.copyfile(run / "last.ckpt", alone)
    result = plot(alone, tmp_path / "pictures")
    assert [picture.stem for picture in result.pictures] == PICTURES[:2]
    assert result.logged == {}


def test_logs_without_a_checkpoint_give_curves(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "logs", tmp_path / "logs")
    result = plot(tmp_path, tmp_path / "pictures")
    assert [picture.stem for picture in result.pictures] == PICTURES[2:]
    assert result.layers == ()


@pytest.mark.parametrize("file_format", ["png", "svg"])
def test_equal_data_give_equal_files_whatever_the_users_settings(run: Path, tmp_path: Path, file_format: str) -> None:
    first = plot(run, tmp_path / "first", file_format=file_format)
    with matplotlib.rc_context({"font.size": 20.0, "axes.facecolor": "red"}):
        second = plot(run, tmp_path / "second", file_format=file_format)
        assert matplotlib.rcParams["font.size"] == 20.0
    assert [picture.suffix for picture in first.pictures] == [f".{file_format}"] * 3
    for mine, other in zip(first.pictures, second.pictures, strict=True):
        assert mine.read_bytes() == other.read_bytes()


def test_a_damaged_checkpoint_is_refused_before_anything_is_drawn(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "logs", tmp_path / "run" / "logs")
    (tmp_path / "run" / "last.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(BadInputError, match="is no checkpoint, or it is damaged"):
        plot(tmp_path / "run", tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_what_cannot_be_drawn_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"holds no checkpoint \(\*.ckpt\) and no logs"):
        plot(tmp_path, tmp_path / "pictures")
    with pytest.raises(BadInputError, match=r"none\.ckpt does not exist"):
        plot(tmp_path / "none.ckpt", tmp_path / "pictures")
    with pytest.raises(BadInputError, match="format 'pdf' is not known; known are png, svg"):
        plot(tmp_path, tmp_path / "pictures", file_format="pdf")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_all_equal_have_no_kurtosis_and_are_drawn(run: Path, tmp_path: Path) -> None:
    content = torch.load(run / "last.ckpt", weights_only=True)
    for name, value in content["state_dict"].items():
        if name.endswith("1.weight"):
            value.zero_()
    torch.save(content, tmp_path / "zero.ckpt")
    result = plot(tmp_path / "zero.ckpt", tmp_path / "pictures")
    assert [layer.kurtosis for layer in result.layers].count(None) >= 1
    json.dumps(result.to_json(), allow_nan=False)


def test_the_command_prints_its_pictures(run: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["plot", str(run), "-o", str(tmp_path / "p"), "--json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["pictures"] == [str(tmp_path / "p" / f"{name}.png") for name in PICTURES]
    words = CliRunner().invoke(app, ["plot", str(run / "last.ckpt"), "-o", str(tmp_path / "p"), "--format", "svg"])
    assert words.stdout.splitlines()[-1] == f"3 pictures in {tmp_path / 'p'}"
