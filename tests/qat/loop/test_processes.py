"""Two processes that share every batch against one that has it whole.

Both compute in float64, where only the order of sums differs: 1e-16 of each, grown over the steps. In float32 the same
rounding flips a sign that lies near zero now and then, and from there on two trainings are different ones, as they
are between any two machines.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.layers import ScalarNorm
from xnorflow.qat.data.order import ShuffledBatches
from xnorflow.qat.loop.devices import Devices
from xnorflow.qat.loop.sync_norm import GlobalBatchNorm
from xnorflow.qat.recipe import load_recipe
from xnorflow.qat.training import run_training

RECIPE = """
model: {name: cnv-small, width: 0.25}
data: {source: digits, limit_train: 96, crop: 1, augment: [{name: mixup}]}
train: {epochs: 2, batch_size: 24, lr: 0.05, optimiser: sgd, precision: 64-true, gradient_clip: 5.0, ema: 0.5}
stages:
  teacher: {quant: {weight: real, activation: tanh}}
  student:
    method: {start: teacher, teachers: [{stage: teacher}], terms: [{name: cross-entropy}, {name: logits}]}
"""
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "chain.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def whole(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    run_training(load_recipe(recipe), folder)
    return folder


def run(*command: str) -> subprocess.CompletedProcess[str]:
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "PL_GLOBAL_SEED")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300, env=clean | {"OMP_NUM_THREADS": "1"}, check=False)


def assert_close(first: Path, second: Path, stages: tuple[str, ...]) -> None:
    for stage in stages:
        one, two = (torch.load(folder / f"{stage}.ckpt", weights_only=True)["state_dict"] for folder in (first, second))
        assert one.keys() == two.keys()
        for name, value in one.items():
            torch.testing.assert_close(value, two[name], rtol=TOLERANCE, atol=TOLERANCE, msg=lambda text, name=name: f"{name}: {text}")
        mine, theirs = (table(folder, stage) for folder in (first, second))
        assert len(mine) == len(theirs) == 2
        for row, other in zip(mine, theirs, strict=True):
            assert row == pytest.approx(other, rel=1e-6)
            assert row["weights/flips"] == other["weights/flips"]


def table(folder: Path, stage: str) -> list[dict[str, float]]:
    with (folder / "logs" / stage / "metrics.csv").open(newline="") as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def test_two_processes_train_as_one(recipe: Path, whole: Path, tmp_path: Path) -> None:
    done = run("-m", "xnorflow.cli", "train", str(recipe), "-o", str(tmp_path), "--devices", "2", "--accelerator", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accuracy"] == torch.load(whole / "last.ckpt", weights_only=True)["xnorflow"]["accuracy"]
    assert done.stderr.splitlines() == ["stage 1 of 2, teacher: 2 epochs", "stage 2 of 2, student: 2 epochs"]
    assert_close(tmp_path, whole, ("teacher", "last"))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last.ckpt", "logs", "teacher.ckpt"]
    assert len(list(tmp_path.glob("logs/*/events.out.tfevents.*"))) == 2


def test_torchrun_starts_the_processes(recipe: Path, whole: Path, tmp_path: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "xnorflow.cli")
    done = run(*launcher, "train", str(recipe), "-o", str(tmp_path), "--accelerator", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 2
    assert_close(tmp_path, whole, ("teacher", "last"))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TORCHELASTIC_RUN_ID": "run", "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}, r"3 devices of 1 nodes: .*world size \(2\)"),
        ({"SLURM_NTASKS": "2", "SLURM_JOB_NAME": "train", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}, "3 devices of 1 nodes: .*SLURM"),
    ],
    ids=["torchrun", "slurm"],
)
def test_a_number_of_processes_that_nobody_started_is_refused(
    environment: dict[str, str], message: str, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("lightning.fabric.plugins.environments.slurm._is_srun_used", lambda: True)
    with pytest.raises(BadInputError, match=message):
        run_training(load_recipe(recipe), tmp_path, devices=Devices("cpu", 3))


def test_the_shares_of_all_processes_are_the_batch() -> None:
    whole, *shares = (ShuffledBatches(50, 12, 3, rank=rank, ranks=ranks) for ranks, rank in ((1, 0), (3, 0), (3, 1), (3, 2)))
    for keys in zip(whole, *shares, strict=True):
        assert torch.equal(keys[0].images, torch.cat([key.images for key in keys[1:]]))


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("norm", "shape"), [(nn.BatchNorm1d(3), (6, 3)), (nn.BatchNorm2d(3), (4, 3, 2, 5)), (ScalarNorm(), (6, 3))], ids=["channel", "image", "scalar"]
)
def test_a_norm_of_one_process_is_the_norm(norm: nn.Module, shape: tuple[int, ...], group: None) -> None:
    torch.manual_seed(0)
    norm.double()
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    x, slope = torch.randn(shape, dtype=torch.float64, requires_grad=True), torch.randn(shape, dtype=torch.float64)
    state = {name: value.clone() for name, value in norm.state_dict().items()}
    results = []
    for layer in (norm, GlobalBatchNorm().apply(norm)):
        layer.load_state_dict(state)
        output = layer(x)
        gradients = torch.autograd.grad((output * slope).sum(), [x, layer.weight, layer.bias])
        results.append([output, *gradients, *(value.clone() for value in layer.state_dict().values())])
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)
    assert type(GlobalBatchNorm().revert(norm)) in (nn.BatchNorm1d, nn.BatchNorm2d, ScalarNorm)
