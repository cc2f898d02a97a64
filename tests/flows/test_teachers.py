"""The ranking of teachers as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from xnorflow.cli import app
from xnorflow.errors import BadInputError
from xnorflow.flows.teachers import teachers

# BNext's table 9, complexities as printed.
PRINTED = {
    "resnet34": 1.487,
    "resnet50": 1.539,
    "resnet101": 1.768,
    "efficientnet_b0": 0.893,
    "efficientnet_b2": 1.103,
    "efficientnet_b4": 1.405,
    "convnext_tiny": 1.552,
    "convnext_small": 1.786,
    "convnext_base": 2.027,
    "resnext101_32x8d": 2.053,
}


def test_the_published_table_comes_from_torchvisions_architectures() -> None:
    result = CliRunner().invoke(app, ["teachers", "--json"])
    found = {each["name"]: each["complexity"] for each in json.loads(result.stdout)["teachers"]}
    assert list(found) == sorted(PRINTED, key=lambda name: PRINTED[name])
    for name, printed in PRINTED.items():
        assert found[name] == pytest.approx(printed, abs=0.002)


def test_candidates_are_printed_in_ascending_order() -> None:
    result = CliRunner().invoke(app, ["teachers", "resnet34=0.7331", "efficientnet_b0=0.7753"])
    assert [line.split()[0] for line in result.stdout.splitlines()[2:]] == ["efficientnet_b0", "resnet34"]
    assert "73.31 %" in result.stdout


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        ("resnet34", "'resnet34' is neither a checkpoint nor NAME=TOP1"),
        ("resnet34=73.31", r"teacher resnet34: 21797672 parameters, accuracy 73\.31; a fraction in \[0, 1\]"),
        ("none.ckpt=0.9", r"teacher none\.ckpt does not exist; a checkpoint or NAME=TOP1"),
        ("resnet34=good", "'good' is no number; top-1 as a fraction"),
        ("resnet=0.7", "torchvision has no classifier 'resnet' that can teach"),
    ],
)
def test_candidates_without_an_accuracy_or_a_network_are_refused(candidate: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        teachers([candidate])


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a=b.ckpt"
    torch.save({}, path)
    with pytest.raises(BadInputError, match=r"a=b\.ckpt is no checkpoint of xnorflow"):
        teachers([str(path)])
