"""A training that goes on within an epoch, with every part that remembers or changes with time."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.recipe import Recipe, load_recipe
from xnorflow.qat.training import run_training

SHORT = ["train.epochs=3", "data.limit_train=96", "train.batch_size=24", "model.width=0.25", "train.threads=1"]


def recipe(*settings: str) -> Recipe:
    return load_recipe("tfc-digits", [*SHORT, *settings])


def weights(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return state


def same(first: Path, second: Path) -> bool:
    one, two = weights(first), weights(second)
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def table(folder: Path, stage: str = "last") -> list[dict[str, str]]:
    with (folder / "logs" / stage / "metrics.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


class Killed(BaseException):
    """Ends a training as nothing that it catches does."""


def die_at_checkpoint(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop right behind the writing of the checkpoint of this number, 1 first."""
    from xnorflow.qat.loop.keeper import CheckpointKeeper

    save, saved = CheckpointKeeper.save, 0

    def save_and_die(self: CheckpointKeeper, *arguments: object) -> None:
        nonlocal saved
        save(self, *arguments)
        saved += 1
        if saved == number:
            raise Killed

    monkeypatch.setattr(CheckpointKeeper, "save", save_and_die)


HOLDERS = {
    "progressive temperature": ["quant.weight=progressive", "quant.weight_settings={hard_at: 0.5}"],
    "error-decay estimator": ["quant.weight=ede", "quant.activation=ede"],
    "rotation": ["quant.weight=rbnn"],
    "tanh annealing": ["quant.weight=tanh", "quant.weight_settings={hard_at: 0.6, rate: 0}"],
    "bnew's ramp and freeze": ["quant.weight=real", "method.rule={name: bnew, arguments: {rate: 1.0}}", "method.harden_at=0.6"],
    "proxquant's ramp": ["quant.weight=real", "method.rule={name: proxquant, arguments: {rate: 0.1}}", "method.harden_at=0.9"],
    "average of the weights": ["train.ema=0.8"],
    "average of weights that freeze": ["train.ema=0.8", "quant.weight=real", "method.harden_at=0.5", "train.gradient_clip=1"],
    "flipping optimiser": ["train.bop={gamma: 0.01, threshold: 1e-6, gamma_end: 0.001, schedule: linear}"],
    "flipping optimiser with second moments": ["train.bop={gamma: 0.01, threshold: 1e-6, sigma: 0.01}"],
    "dropout": ["model.dropout=0.3"],
    "augmentation": ["data.crop=1", "data.flip=true"],
    "mixing and repeated images": ["data.augment=[{name: repeated, arguments: {copies: 2}}, {name: mixup}, {name: cutmix}]"],
    "workers that vary images": ["data.crop=1", "data.workers=1", "data.device_megabytes=0"],
    "warm-up and steps": ["train.optimiser=sgd", "train.warmup_epochs=1", "train.schedule=step", "train.step_epochs=[2]"],
    "half precision": ["train.precision=bf16-mixed"],
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_training_killed_within_an_epoch_ends_bit_for_bit(holder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ["train.checkpoint_every=3", *HOLDERS[holder]]
    whole = run_training(recipe(*settings), tmp_path / "whole")
    with monkeypatch.context() as patch:
        die_at_checkpoint(3, patch)  # steps 3, 4 (an epoch), 6 of 12
        with pytest.raises(Killed):
            run_training(recipe(*settings), tmp_path / "killed")
    middle = torch.load(tmp_path / "killed" / "last.ckpt", weights_only=True)
    assert (middle["global_step"], middle["epoch"]) == (6, 1)
    rest = run_training(recipe(*settings), tmp_path / "killed", resume=tmp_path / "killed")
    assert same(rest.checkpoint, whole.checkpoint)
    assert rest.accuracy == whole.accuracy
    assert table(tmp_path / "killed") == table(tmp_path / "whole")


def test_a_mean_over_an_epoch_counts_the_steps_before_the_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        die_at_checkpoint(1, patch)
        with pytest.raises(Killed):
            run_training(recipe("train.checkpoint_every=3"), tmp_path)
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["within_epoch"]
    assert state["means"]["steps"] == 3
    run_training(recipe("train.checkpoint_every=3"), tmp_path, resume=tmp_path)
    assert [(row["epoch"], row["step"]) for row in table(tmp_path)] == [("0.0", "3"), ("1.0", "7"), ("2.0", "11")]


def test_a_finished_training_is_left_as_it_is(tmp_path: Path) -> None:
    done = run_training(recipe(), tmp_path)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()}
    told: list[str] = []
    again = run_training(recipe(), tmp_path, resume=tmp_path, progress=told.append)
    assert told == [f"{tmp_path / 'last.ckpt'} is of a finished training: nothing is left to do"]
    assert (again.checkpoint, again.accuracy, again.epochs) == (done.checkpoint, done.accuracy, 3)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_without_a_checkpoint_begins(tmp_path: Path) -> None:
    told: list[str] = []
    begun = run_training(recipe("train.epochs=1"), tmp_path / "run", resume=tmp_path / "run", progress=told.append)
    assert told == [f"{tmp_path / 'run'} holds no checkpoint yet: the training begins"]
    assert same(begun.checkpoint, run_training(recipe("train.epochs=1"), tmp_path / "whole").checkpoint)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"checkpoint .*none\.ckpt does not exist"):
        run_training(recipe(), tmp_path, resume=tmp_path / "none.ckpt")


def test_other_images_are_refused(tmp_path: Path) -> None:
    half = run_training(recipe(), tmp_path, stop_after=1)
    with pytest.raises(BadInputError, match=r"last\.ckpt was trained with other train images than those of digits: resume takes the same images"):
        run_training(recipe("data.limit_train=97"), tmp_path, resume=half.checkpoint)


def test_how_often_checkpoints_are_written_may_change(tmp_path: Path) -> None:
    half = run_training(recipe(), tmp_path, stop_after=1)
    rest = run_training(recipe("train.checkpoint_every=1", "train.validate_every=2"), tmp_path, resume=half.checkpoint)
    assert same(rest.checkpoint, run_training(recipe(), tmp_path / "whole").checkpoint)


def test_another_precision_or_average_is_refused(tmp_path: Path) -> None:
    half = run_training(recipe(), tmp_path, stop_after=1)
    for setting, message in (("train.ema=0.9", "ema 0.0, the recipe says 0.9"), ("train.precision=bf16-mixed", "precision 32-true, the recipe says")):
        with pytest.raises(BadInputError, match=f"was trained with {message}"):
            run_training(recipe(setting), tmp_path, resume=half.checkpoint)


def test_a_training_in_a_used_folder_begins_its_logs_anew(tmp_path: Path) -> None:
    run_training(recipe(), tmp_path)
    run_training(recipe("train.epochs=1"), tmp_path, force=True)
    assert [row["step"] for row in table(tmp_path)] == ["3"]
    assert len(list((tmp_path / "logs" / "last").glob("events.out.tfevents.*"))) == 1


def test_stopping_before_the_checkpoint_is_refused(tmp_path: Path) -> None:
    chain = load_recipe(
        "digits/bd-bnn", ["stages.teacher.train.epochs=2", "stages.student.train.epochs=2", "data.limit_train=64", "model.width=0.25"]
    )
    run_training(chain, tmp_path, stop_after=3)
    with pytest.raises(BadInputError, match=r"stop_after 2 is behind .*last\.ckpt"):
        run_training(chain, tmp_path, resume=tmp_path, stop_after=2)
    with pytest.raises(BadInputError, match="stop_after 0 is below 1"):
        run_training(chain, tmp_path, stop_after=0, force=True)
