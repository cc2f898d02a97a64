"""A training on image files of many sizes, with everything on, from recipe to evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from xnorflow.errors import BadInputError
from xnorflow.flows.evaluate import evaluate
from xnorflow.flows.export import export
from xnorflow.flows.images import load_images
from xnorflow.flows.train import train
from xnorflow.qat.checkpoint import load_checkpoint

AUGMENT = (
    "data.augment=[{name: random-resized-crop, arguments: {interpolation: bicubic}}, {name: flip}, {name: randaugment}, "
    "{name: repeated, arguments: {copies: 2}}, {name: mixup, arguments: {alpha: 0.2}}]"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for half, count in (("train", 12), ("val", 5)):
        for label, name in enumerate(("n01", "n02", "n03")):
            (tmp_path / "images" / half / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (*rng.integers(14, 40, 2), 3)) // 3 + 60 * label
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "images" / half / name / f"{number}.JPEG")
    return tmp_path / "images"


def settings(*others: str) -> list[str]:
    return ["model.width=0.1", "train.epochs=2", "train.batch_size=12", "data.size=16", "data.crop_ratio=0.9", AUGMENT, *others]


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["state_dict"]


def test_files_train_resume_evaluate_and_export(folder: Path, tmp_path: Path) -> None:
    spec = f"imagenet={folder}"
    whole = train("tfc-digits", tmp_path / "whole", overrides=settings("data.workers=2"), data=spec)
    half = train("tfc-digits", tmp_path / "half", overrides=settings(), data=spec, stop_after=1)
    rest = train("tfc-digits", tmp_path / "rest", overrides=settings("data.workers=1"), data=spec, resume=half.checkpoint)
    first, second = weights(whole.checkpoint), weights(rest.checkpoint)
    assert all(torch.equal(first[name], second[name]) for name in first)
    info = load_checkpoint(whole.checkpoint)[0]
    assert info.config.input_shape == (3, 16, 16)
    assert (info.view.size, info.view.crop_ratio) == (16, 0.9)
    found = evaluate(whole.checkpoint)
    assert (found.images, found.accuracy) == (15, whole.accuracy)
    assert export(whole.checkpoint, tmp_path / "net.onnx", images=20).data_images == 10
    assert load_images(spec, 4, view=info.view).images.shape == (4, 16, 16, 3)
    with pytest.raises(BadInputError, match=r"was trained with augment .*; resume takes the same recipe$"):
        train("tfc-digits", tmp_path / "other", overrides=[*settings()[:-1]], data=spec, resume=half.checkpoint)


def test_squared_hinge_with_mixup_ends_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"^squared-hinge takes one label an image"):
        train("tfc-digits", tmp_path, overrides=["train.epochs=1", "train.loss=squared-hinge", "data.augment=[{name: cutmix}]"])
