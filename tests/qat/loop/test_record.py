"""Where a checkpoint says it came from."""

from __future__ import annotations

import dataclasses
import resource
import subprocess
from pathlib import Path

import pytest
import torch

import xnorflow
from xnorflow.errors import BadInputError
from xnorflow.files import replacing
from xnorflow.flows.evaluate import evaluate
from xnorflow.flows.export import export
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.loop import provenance
from xnorflow.qat.loop.atomic import AtomicCheckpoints
from xnorflow.qat.recipe import load_recipe
from xnorflow.qat.training import run_training

SHORT = ["train.epochs=2", "data.limit_train=96", "model.width=0.25"]


def test_a_checkpoint_says_all_and_suffices(tmp_path: Path) -> None:
    recipe = load_recipe("tfc-digits", SHORT)
    done = run_training(recipe, tmp_path)
    content = torch.load(done.checkpoint, weights_only=True)
    info, _ = load_checkpoint(done.checkpoint)
    assert info.train == recipe.train
    assert info.digests == {
        "train": load_split("digits", "train").shuffled(0).head(96).digest(),
        "test": load_split("digits", "test").digest(),
    }
    assert (info.version, info.commit, info.accuracy) == (xnorflow.__version__, provenance.commit(), done.accuracy)
    assert {"train/loss", "train/lr", "val/accuracy", "weights/flips", "weights/kurtosis", "weights/cosine"} <= set(info.metrics)
    assert content["xnorflow"] == info.to_record()
    alone = tmp_path / "alone" / "net.ckpt"
    alone.parent.mkdir()
    done.checkpoint.rename(alone)
    assert evaluate(alone).accuracy == done.accuracy
    assert export(alone, tmp_path / "net.onnx", images=4).images == 4


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e", *arguments], check=True, capture_output=True)


def test_the_commit_is_that_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "src" / "xnorflow"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(xnorflow, "__file__", str(package / "__init__.py"))
    found = provenance.commit.__wrapped__
    assert found() is None
    git(tmp_path, "init", "-q")
    assert found() is None
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    head = subprocess.run(["git", "-C", str(tmp_path), "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert found() == head
    (package / "__init__.py").write_text("changed = True\n")
    assert found() == f"{head}+changes"
    monkeypatch.setenv("PATH", "")
    assert found() is None


def test_a_package_ignored_by_the_repository_around_it_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "theirs").write_text("")
    git(tmp_path, "add", "theirs")
    git(tmp_path, "commit", "-q", "-m", "theirs")
    (tmp_path / "site" / "xnorflow").mkdir(parents=True)
    (tmp_path / "site" / "xnorflow" / "__init__.py").write_text("")
    monkeypatch.setattr(xnorflow, "__file__", str(tmp_path / "site" / "xnorflow" / "__init__.py"))
    assert provenance.commit.__wrapped__() is None


def test_a_file_is_replaced_at_once_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"former")

    def fail() -> None:
        with replacing(target) as file:
            file.write(b"half")
            assert target.read_bytes() == b"former"
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        fail()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert target.read_bytes() == b"former"
    with replacing(target) as file:
        file.write(b"whole")
    assert target.read_bytes() == b"whole"


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    target = tmp_path / "net.ckpt"
    target.write_bytes(b"former")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(BadInputError, match=r"net\.ckpt cannot be written, and stays as it was: .*File too large") as caught:
            AtomicCheckpoints().save_checkpoint({"weights": torch.zeros(1 << 20)}, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("net.ckpt", b"former")]


def test_left_overs_of_a_killed_write_are_removed(tmp_path: Path) -> None:
    (tmp_path / "last.ckpt.unfinished").write_bytes(b"half")
    run_training(load_recipe("tfc-digits", SHORT), tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last.ckpt", "logs"]


def test_a_record_of_wrong_digests_or_metrics_is_refused(tmp_path: Path) -> None:
    done = run_training(load_recipe("tfc-digits", [*SHORT, "train.epochs=1"]), tmp_path)
    content = torch.load(done.checkpoint, weights_only=True)
    for key, value in (("digests", 3), ("metrics", {"train/loss": "text"}), ("metrics", [1])):
        torch.save(content | {"xnorflow": content["xnorflow"] | {key: value}}, tmp_path / "bad.ckpt")
        with pytest.raises(BadInputError, match=r"bad\.ckpt is no complete checkpoint"):
            load_checkpoint(tmp_path / "bad.ckpt")


def test_a_checkpoint_from_before_digests_resumes(tmp_path: Path) -> None:
    recipe = load_recipe("tfc-digits", SHORT)
    half = run_training(recipe, tmp_path, stop_after=1)
    content = torch.load(half.checkpoint, weights_only=True)
    for key in ("digests", "commit", "metrics"):
        del content["xnorflow"][key]
    for key in ("precision", "gradient_clip", "ema", "sync_batchnorm", "checkpoint_every"):
        del content["xnorflow"]["train"][key]
    del content["random_state"]
    torch.save(content, half.checkpoint)
    info, _ = load_checkpoint(half.checkpoint)
    assert dataclasses.replace(info, digests={}, commit=None, metrics={}) == info
    assert run_training(recipe, tmp_path, resume=half.checkpoint).epochs == 2
