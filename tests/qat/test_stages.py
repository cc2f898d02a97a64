"""Chains of stages, teachers and resuming, on the small network of the recipes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError, UnsupportedModelError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.method import TeacherSettings
from xnorflow.qat.recipe import Recipe, load_recipe
from xnorflow.qat.teachers import Teacher, load_teacher, on_duty
from xnorflow.qat.training import run_training

TWO = ["stages.teacher.train.epochs=2", "stages.student.train.epochs=2", "data.limit_train=128", "model.width=0.5"]


def staged(*settings: str) -> Recipe:
    return load_recipe("digits/bd-bnn", [*TWO, *settings])


def weights(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return state


def same(first: Path, second: Path) -> bool:
    one, two = weights(first), weights(second)
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("epochs", [1, 2, 3], ids=["in the first", "between", "in the last"])
def test_a_chain_resumed_in_any_stage_ends_with_the_weights_of_an_uninterrupted_one(epochs: int, tmp_path: Path) -> None:
    whole = run_training(staged(), tmp_path / "whole")
    half = run_training(staged(), tmp_path / "half", stop_after=epochs)
    assert half.accuracy is None or epochs == 3
    rest = run_training(staged(), tmp_path / "rest", resume=half.checkpoint)
    assert same(rest.checkpoint, whole.checkpoint)
    assert same(tmp_path / "rest" / "teacher.ckpt", tmp_path / "whole" / "teacher.ckpt")
    assert rest.accuracy == whole.accuracy


def test_a_stage_before_the_last_leaves_its_checkpoint_without_an_accuracy(tmp_path: Path) -> None:
    run_training(staged(), tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last.ckpt", "logs", "teacher.ckpt"]
    info, network = load_checkpoint(tmp_path / "teacher.ckpt")
    assert (info.stage, info.accuracy) == ("teacher", None)
    assert 0 < float(latent_weights(network)[0].detach().abs().min()) < 1


def test_a_chain_does_not_resume_without_its_earlier_stages(tmp_path: Path) -> None:
    half = run_training(staged(), tmp_path / "half", stop_after=3)
    (tmp_path / "half" / "teacher.ckpt").unlink()
    with pytest.raises(BadInputError, match=r"half/teacher\.ckpt does not exist"):
        run_training(staged(), tmp_path / "rest", resume=half.checkpoint)


def test_a_chain_does_not_resume_with_another_method(tmp_path: Path) -> None:
    half = run_training(staged(), tmp_path / "half", stop_after=3)
    with pytest.raises(BadInputError, match=r"was trained with terms .*, the recipe says "):
        run_training(staged("stages.student.method.terms=[{name: logits}]"), tmp_path / "rest", resume=half.checkpoint)
    with pytest.raises(BadInputError, match=r"was trained with lr 0\.02, the recipe says 1\.0"):
        run_training(staged("train.lr=1"), tmp_path / "rest", resume=half.checkpoint)


def test_soft_weights_are_never_reported(tmp_path: Path) -> None:
    recipe = load_recipe("digits/bnew", ["train.epochs=1", "data.limit_train=128", "method.harden_at=null"])
    with pytest.raises(UnsupportedModelError, match="is not binary yet: its weights are real-valued; harden them first"):
        run_training(recipe, tmp_path)
    assert load_checkpoint(tmp_path / "last.ckpt")[0].accuracy is None


def test_hardening_is_for_real_weights(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"method\.harden_at is for weights that are real, quant\.weight is ste"):
        run_training(load_recipe("digits/bnew", ["quant.weight=ste"]), tmp_path)


def test_weights_far_from_binary_are_told_of_when_they_are_hardened(tmp_path: Path) -> None:
    told: list[str] = []
    run_training(load_recipe("digits/bnew", ["train.epochs=2", "data.limit_train=128", "method.harden_at=0.5"]), tmp_path, progress=told.append)
    assert any("of the weights are binary" in line for line in told)


def test_an_unknown_tap_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="tap 'middle' is no module of the network"):
        run_training(staged("stages.teacher.method.taps=[middle]"), tmp_path)


def test_a_term_without_its_teacher_is_refused_before_any_stage() -> None:
    with pytest.raises(BadInputError, match=r"stage student: term logits needs a teacher, method\.teachers gives 0"):
        staged("stages.student.method.teachers=[]")


def student(tmp_path: Path) -> Path:
    return run_training(load_recipe("cnv-small-digits", ["train.epochs=1", "data.limit_train=128"]), tmp_path / "student").checkpoint


def test_a_checkpoint_teaches(tmp_path: Path) -> None:
    path = student(tmp_path)
    taught = staged(f"stages.student.method.teachers=[{{checkpoint: {path}}}]")
    before = path.read_bytes()
    assert run_training(taught, tmp_path / "run").accuracy is not None
    assert path.read_bytes() == before
    assert not any("teacher" in name for name in weights(tmp_path / "run" / "last.ckpt"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (TeacherSettings(checkpoint="none.ckpt"), "checkpoint none.ckpt does not exist"),
        (TeacherSettings(torchvision="resnet", weights="w.pth"), "torchvision has no classifier 'resnet' that can teach; it has resnet"),
        (TeacherSettings(torchvision="googlenet", weights="w.pth"), "torchvision has no classifier 'googlenet' that can teach"),
        (TeacherSettings(torchvision="resnet18", weights="w.pth"), "resnet18 of torchvision takes images of 3 channels, the data have 1"),
    ],
)
def test_a_teacher_that_cannot_teach_is_refused(settings: TeacherSettings, message: str, tmp_path: Path) -> None:
    info, _ = load_checkpoint(student(tmp_path))
    with pytest.raises(BadInputError, match=message):
        load_teacher(settings, info, (), lambda name: tmp_path / name)


def test_assistants_take_turns() -> None:
    def teacher(assistant: bool) -> Teacher:
        return Teacher(nn.Identity(), PixelNorm(mean=(0.0,), std=(1.0,)), 1, TeacherSettings(stage="any", assistant=assistant))

    strong, first, second = teacher(False), teacher(True), teacher(True)
    turns = [on_duty((first, strong, second), epoch, 4) for epoch in range(4)]
    assert turns == [(strong, first), (strong, first), (strong, second), (strong, second)]
    assert on_duty((strong,), 3, 4) == (strong,)
