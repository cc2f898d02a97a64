from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from typer.testing import CliRunner

from xnorflow.cli import app
from xnorflow.errors import BadInputError
from xnorflow.flows import landscape as flow
from xnorflow.flows.landscape import LandscapeSettings, landscape
from xnorflow.flows.train import train
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.landscape import mean_loss

SMALL = LandscapeSettings(steps=3, reach=0.5, images=40, seed=3)
FILES = ["contour.png", "landscape.csv", "landscape.json", "settings.json", "surface.png"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    train("cnv-small-digits", out, overrides=["train.epochs=2", "data.limit_train=400", "model.width=0.25"])
    return out / "last.ckpt"


@pytest.fixture
def stops_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the computation of losses interrupted after so many points."""

    def arrange(points: int) -> None:
        calls = iter(range(points))

        def counted(*args: Any) -> float:
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return mean_loss(*args)

        monkeypatch.setattr(flow, "mean_loss", counted)

    return arrange


def own_loss(checkpoint: Path, settings: LandscapeSettings) -> float:
    """Mean cross-entropy of the checkpoint as it is, from the definition."""
    info, network = load_checkpoint(checkpoint)
    chosen = load_split(info.data, "train").shuffled(settings.seed).head(settings.images)
    pixels = torch.from_numpy(np.ascontiguousarray(info.pixel_norm.apply(chosen.images).transpose(0, 3, 1, 2)))
    with torch.no_grad():
        logits: Tensor = network(pixels).double()
    assert isinstance(info.pixel_norm, PixelNorm)
    return float(functional.cross_entropy(logits, torch.from_numpy(chosen.labels), reduction="sum")) / settings.images


def test_the_middle_point_is_the_checkpoints_own_loss_and_the_files_agree(checkpoint: Path, tmp_path: Path) -> None:
    before = checkpoint.read_bytes()
    told: list[str] = []
    result = landscape(checkpoint, tmp_path, SMALL, progress=told.append)
    assert result.centre == own_loss(checkpoint, SMALL)
    assert (result.points, result.computed, result.images) == (9, 9, 40)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert told == ["9 points, 0 of them there already"]
    assert checkpoint.read_bytes() == before
    record = json.loads(result.record.read_text())
    lines = [line.split(",") for line in (tmp_path / "landscape.csv").read_text().splitlines()[1:]]
    assert [float(line[4]) for line in lines] == [loss for row in record["losses"] for loss in row]
    assert [(float(line[2]), float(line[3])) for line in lines] == [(a, b) for b in (-0.5, 0.0, 0.5) for a in (-0.5, 0.0, 0.5)]
    assert (result.least, result.greatest) == (min(map(min, record["losses"])), max(map(max, record["losses"])))
    assert record["settings"]["batch_norm"] == "evaluation"


def test_an_interrupted_computation_goes_on_and_gives_the_same_files(
    checkpoint: Path, tmp_path: Path, stops_after: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    landscape(checkpoint, whole, SMALL)
    stops_after(4)
    with pytest.raises(KeyboardInterrupt):
        landscape(checkpoint, broken, SMALL)
    monkeypatch.undo()
    assert len((broken / "landscape.csv").read_text().splitlines()) == 5
    with (broken / "landscape.csv").open("a") as lines:
        lines.write("1,1,0.0,0.")  # as the machine left it when it stopped
    assert landscape(checkpoint, broken, SMALL).computed == 5
    assert (whole / "landscape.csv").read_bytes() == (broken / "landscape.csv").read_bytes()
    for name in ("contour.png", "surface.png"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert landscape(checkpoint, broken, SMALL).computed == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 4}, "data_sha256"),
        ({"reach": 0.25}, r"reach 0\.5, 0\.25 is asked for"),
        ({"steps": 5}, "steps 3, 5 is asked for"),
        ({"moved": "binary"}, "moved all, binary is asked for"),
        ({"split": "test"}, "data_sha256"),
    ],
)
def test_points_of_other_settings_are_not_mixed_in(checkpoint: Path, tmp_path: Path, change: dict[str, object], message: str) -> None:
    landscape(checkpoint, tmp_path, SMALL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BadInputError, match=message):
        landscape(checkpoint, tmp_path, dataclasses.replace(SMALL, **change))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_points_of_another_checkpoint_are_not_mixed_in(checkpoint: Path, tmp_path: Path) -> None:
    landscape(checkpoint, tmp_path / "out", SMALL)
    content = torch.load(checkpoint, weights_only=True)
    other = tmp_path / "other.ckpt"
    torch.save(content | {"epoch": 99}, other)
    with pytest.raises(BadInputError, match="holds points of checkpoint_sha256"):
        landscape(other, tmp_path / "out", SMALL)


def test_weights_that_are_no_numbers_leave_nothing_to_draw(checkpoint: Path, tmp_path: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    last = [name for name, value in content["state_dict"].items() if name.startswith("network.") and value.is_floating_point()][-1]
    content["state_dict"][last].fill_(float("nan"))
    torch.save(content, tmp_path / "nan.ckpt")
    with pytest.raises(BadInputError, match=r"nan.ckpt: no point of the plane has a finite loss"):
        landscape(tmp_path / "nan.ckpt", tmp_path / "out", SMALL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"images": 0}, "0 images: one or more are needed"),
        ({"seed": -1}, "seed -1 is not in 0"),
        ({"split": "val"}, "split 'val' is not known; known are train, test"),
        ({"moved": "none"}, "moved 'none' is not known; known are all, binary"),
        ({"device": "tpu"}, "device 'tpu' is not known; known are cpu, cuda"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        LandscapeSettings(**settings)


def test_a_refusal_writes_nothing(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="format 'bmp' is not known"):
        landscape(checkpoint, tmp_path / "out", SMALL, file_format="bmp")
    with pytest.raises(BadInputError, match="4 steps: an odd number"):
        landscape(checkpoint, tmp_path / "out", dataclasses.replace(SMALL, steps=4))
    with pytest.raises(BadInputError, match="lacks its folder"):
        landscape(checkpoint, tmp_path / "out", SMALL, data="mnist")
    assert list(tmp_path.iterdir()) == []


def test_the_command_reports_and_is_interrupted_in_one_line(checkpoint: Path, tmp_path: Path, stops_after: Callable[[int], None]) -> None:
    words = ["landscape", str(checkpoint), "-o", str(tmp_path), "--steps", "3", "--range", "0.5", "--images", "40", "--seed", "3"]
    stops_after(2)
    stopped = CliRunner().invoke(app, words)
    assert (stopped.exit_code, stopped.stderr.splitlines()[-1]) == (130, "xnorflow: interrupted")
    stops_after(7)
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert (figures["computed"], figures["centre"]) == (7, own_loss(checkpoint, SMALL))
