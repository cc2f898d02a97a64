"""What the logs say, against the weights of the checkpoints and a loop written by hand."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.models import build_config
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.data.module import ImageData, evaluation_loader
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.loop.bar import StageBar
from xnorflow.qat.loop.logs import stage_loggers
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import Recipe, load_recipe
from xnorflow.qat.training import cpu_threads, describe, run_training


def recipe(*settings: str) -> Recipe:
    return load_recipe("tfc-digits", ["train.epochs=3", "data.limit_train=128", "train.batch_size=64", "model.width=0.25", *settings])


def table(folder: Path, stage: str = "last") -> list[dict[str, float]]:
    with (folder / "logs" / stage / "metrics.csv").open(newline="") as lines:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(lines)]


def events(folder: Path, stage: str = "last") -> list[dict[str, float]]:
    read = EventAccumulator(str(folder / "logs" / stage), purge_orphaned_data=True)
    read.Reload()
    rows: dict[int, dict[str, float]] = {}
    for name in read.Tags()["scalars"]:
        for event in read.Scalars(name):
            rows.setdefault(event.step, {"step": float(event.step)})[name] = event.value
    return [rows[step] for step in sorted(rows)]


def signs(weights: list[Tensor]) -> np.ndarray:
    return np.concatenate([np.where(weight.detach().numpy().ravel() >= 0, 1, -1) for weight in weights])


def test_the_logged_values_are_the_true_ones(tmp_path: Path) -> None:
    plain = recipe()
    run_training(plain, tmp_path / "whole")
    rows = table(tmp_path / "whole")
    torch.manual_seed(0)
    before = start = signs(latent_weights(quantise(build_config(describe(plain, load_split("digits", "train")).config))))
    for epoch, row in enumerate(rows):
        done = run_training(plain, tmp_path / str(epoch), stop_after=epoch + 1)
        _, network = load_checkpoint(done.checkpoint)
        latents = latent_weights(network)
        after = signs(latents)
        assert row["weights/flips"] == np.mean(before != after)
        assert row["weights/changed"] == np.mean(start != after)
        before = after
        arrays = [weight.detach().numpy().astype(np.float64).ravel() for weight in latents]
        kurtosis = [np.mean((w - w.mean()) ** 4) / np.var(w, ddof=1) ** 2 for w in arrays]
        assert row["weights/kurtosis"] == pytest.approx(np.mean(kurtosis), rel=1e-5)
        assert row["weights/cosine"] == pytest.approx(np.mean([np.abs(w).mean() / np.sqrt((w**2).mean()) for w in arrays]), rel=1e-5)
        pixels = PixelTable(plain.data.pixel_norm(), 1)
        with torch.no_grad():
            right = [int((network(pixels(images)).argmax(1) == labels).sum()) for images, labels in evaluation_loader(load_split("digits", "test"))]
        assert row["val/accuracy"] == pytest.approx(sum(right) / 360, abs=1e-7)
        assert (row["epoch"], row["step"]) == (epoch, 2 * epoch + 1)
        assert row["train/lr"] == pytest.approx(0.05 * 0.5 * (1 + math.cos(math.pi * (2 * epoch + 1) / 6)), rel=1e-12)


def test_the_logged_loss_is_that_of_a_loop_by_hand(tmp_path: Path) -> None:
    plain = recipe("train.epochs=1", "train.schedule=constant")
    run_training(plain, tmp_path)
    train = load_split("digits", "train").shuffled(0).head(128)
    torch.manual_seed(0)
    network, pixels = quantise(build_config(describe(plain, train).config)), PixelTable(plain.data.pixel_norm(), 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    losses = []
    with cpu_threads(1):
        for images, labels in ImageData(train, train, batch_size=64).train_dataloader():
            loss = functional.cross_entropy(network(pixels(images)), labels)
            losses.append(float(loss.detach()))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for weight in latent_weights(network):
                    weight.clamp_(-1.0, 1.0)
    (row,) = table(tmp_path)
    assert row["train/loss"] == row["terms/cross-entropy"] == sum(losses) / 2


def test_both_logs_and_the_checkpoint_hold_the_same(tmp_path: Path) -> None:
    run_training(recipe(), tmp_path)
    rows = table(tmp_path)
    for row, event in zip(rows, events(tmp_path), strict=True):
        assert row == pytest.approx(event, rel=1e-6)  # TensorBoard's are float32
    info, _ = load_checkpoint(tmp_path / "last.ckpt")
    last = {name: value for name, value in rows[-1].items() if name not in ("step", "epoch")}
    assert info.metrics == pytest.approx(last, rel=1e-6)


def test_a_resumed_training_goes_on_with_both_logs(tmp_path: Path) -> None:
    run_training(recipe(), tmp_path / "whole")
    half = run_training(recipe(), tmp_path / "half", stop_after=2)
    run_training(recipe(), tmp_path / "half", resume=half.checkpoint)
    assert table(tmp_path / "half") == table(tmp_path / "whole")
    assert events(tmp_path / "half") == events(tmp_path / "whole")
    assert len(table(tmp_path / "half")) == 3


def test_rows_behind_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    table_logger = stage_loggers(tmp_path, "last", None)[1]
    for step in (3, 7, 11):
        table_logger.log_metrics({"train/loss": step / 10}, step)
    table_logger.save()
    later = stage_loggers(tmp_path, "last", 8)[1]
    later.log_metrics({"train/loss": 9.0, "val/accuracy": 0.5}, 11)
    later.save()
    assert table(tmp_path) == [{"step": 3, "train/loss": 0.3}, {"step": 7, "train/loss": 0.7}, {"step": 11, "train/loss": 9.0, "val/accuracy": 0.5}]


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    half = run_training(recipe(), tmp_path, stop_after=1)
    (tmp_path / "logs" / "last" / "metrics.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInputError, match=r"metrics\.csv is no table of a training; move it away to go on without it"):
        run_training(recipe(), tmp_path, resume=half.checkpoint)


def test_the_bar_names_the_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    add = StageBar._add_task

    def watched(self: StageBar, total: float, description: str, visible: bool = True) -> object:
        seen.append(description)
        return add(self, total, description, visible)

    monkeypatch.setattr(StageBar, "_add_task", watched)
    stages = ["stages.teacher.train.epochs=1", "stages.student.train.epochs=2", "data.limit_train=128", "model.width=0.25"]
    run_training(load_recipe("digits/bd-bnn", stages), tmp_path, progress_bar=True)
    assert "teacher epoch 1 of 1" in seen
    assert "student epoch 1 of 2" in seen
