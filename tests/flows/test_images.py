from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xnorflow.errors import BadInputError
from xnorflow.flows.images import load_images
from xnorflow.qat.data.view import EvaluationView


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("cat", "dog")):
        for half in ("train", "val"):
            (tmp_path / half / name).mkdir(parents=True)
            Image.fromarray(np.full((20 + number, 30, 3), 9 * number, np.uint8)).save(tmp_path / half / name / "0.png")
    return tmp_path


def test_images_of_many_sizes_are_seen_as_the_checkpoint_says(folder: Path) -> None:
    chosen = load_images(f"imagenet={folder}", view=EvaluationView(8))
    assert chosen.images.shape == (2, 8, 8, 3)
    assert chosen.labels is not None
    assert chosen.labels.tolist() == [0, 1]


def test_images_of_many_sizes_without_a_view_are_refused(folder: Path) -> None:
    with pytest.raises(BadInputError, match=r"^imagenet=.*: its images have many sizes; name the checkpoint that knows their view, or images"):
        load_images(f"imagenet={folder}")


@pytest.mark.parametrize("limit", [0, -1, 3])
def test_a_number_of_images_that_there_are_not_is_refused(folder: Path, limit: int) -> None:
    with pytest.raises(BadInputError, match=rf"^{limit} images were asked for; imagenet=.* has "):
        load_images(f"imagenet={folder}", limit, view=EvaluationView(8))
