"""Trainings killed by SIGKILL, wherever they are, and resumed until they are done."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch

CHAIN = [
    "train",
    "digits/r2b",
    *[f"--set=stages.{stage}.train.epochs=2" for stage in ("standard", "stage-0", "stage-1", "stage-2")],
    *["--set=data.limit_train=96", "--set=train.batch_size=32", "--set=model.width=0.25", "--set=stages.standard.model.width=0.25"],
    *["--set=train.checkpoint_every=2", "--accelerator=cpu"],
]
STAGES = ("standard", "stage-0", "stage-1", "last")


def assert_same(first: Path, second: Path) -> None:
    for stage in STAGES:
        one, two = (torch.load(folder / f"{stage}.ckpt", weights_only=True) for folder in (first, second))
        assert one["state_dict"].keys() == two["state_dict"].keys()
        for name, value in one["state_dict"].items():
            assert torch.equal(value, two["state_dict"][name]), (stage, name)
        assert one["xnorflow"]["accuracy"] == two["xnorflow"]["accuracy"]
        table = Path("logs") / stage / "metrics.csv"
        assert (first / table).read_text() == (second / table).read_text()


@pytest.fixture(scope="module")
def whole(nursery: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A run that nobody disturbed, and its seconds."""
    folder = tmp_path_factory.mktemp("whole")
    begin = time.monotonic()
    assert nursery.run(*CHAIN, "--out", str(folder)) == 0, nursery.words.read_text()
    return folder, time.monotonic() - begin


def test_a_chain_killed_at_random_moments_ends_bit_for_bit(nursery: Any, whole: tuple[Path, float], tmp_path: Path) -> None:
    folder, seconds = whole
    seed = random.SystemRandom().randrange(1 << 16)
    print(f"seed {seed}, {seconds:.1f} s")
    moments = random.Random(seed)
    codes = [nursery.run(*CHAIN, "--resume", str(tmp_path), after=moments.uniform(0, 0.5) * seconds, sent=signal.SIGKILL) for _ in range(5)]
    assert set(codes) <= {0, -signal.SIGKILL}, nursery.words.read_text()
    assert -signal.SIGKILL in codes
    assert nursery.run(*CHAIN, "--resume", str(tmp_path)) == 0, nursery.words.read_text()
    assert_same(tmp_path, folder)


def test_a_chain_killed_at_its_writes_ends_bit_for_bit(nursery: Any, whole: tuple[Path, float], tmp_path: Path) -> None:
    """A file is confirmed before it is renamed, its folder after: these kills fall on both sides of renames."""
    folder, _ = whole
    for die_at in (1, 2, 3, 4, 6, 9, 13, 14, 0):
        code = nursery.run(*CHAIN, "--resume", str(tmp_path), die_at=die_at)
        assert code == (-signal.SIGKILL if die_at else 0), nursery.words.read_text()
        for file in tmp_path.glob("*.ckpt"):
            torch.load(file, weights_only=True)
    assert not list(tmp_path.glob("*.unfinished"))
    assert_same(tmp_path, folder)
