from __future__ import annotations

import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.line import AugmentationLine
from xnorflow.qat.augmentations.pipeline import Pipeline
from xnorflow.qat.recipe import load_recipe


def lines(*names: str) -> list[AugmentationLine]:
    return [AugmentationLine(name) for name in names]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("crop", "warp"), r"^data\.augment: augmentation 'warp' is not known; known are crop, flip, random-resized-crop, "),
        (("flip", "crop", "flip"), r"^data\.augment: flip is given twice$"),
        (("mixup", "crop"), r"^data\.augment: crop comes after an augmentation that mixes images; those come last$"),
    ],
)
def test_an_unusable_list_is_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Pipeline(lines(*names))


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"^data\.augment: crop: key 'size' is not known; known are border$"):
        Pipeline([AugmentationLine("crop", {"size": 3})])


def test_what_another_augmentation_draws_does_not_change_a_crop() -> None:
    pixels = torch.randint(0, 256, (9, 3, 6, 6), dtype=torch.uint8)
    draws = Draws.of(0, 0, range(9))
    assert torch.equal(Pipeline(lines("crop")).vary(pixels, draws, (6, 6)), Pipeline(lines("repeated", "crop")).vary(pixels, draws, (6, 6)))
    assert not torch.equal(Pipeline(lines("crop", "flip")).vary(pixels, draws, (6, 6)), Pipeline(lines("crop")).vary(pixels, draws, (6, 6)))


def test_no_augmentation_leaves_images_and_labels() -> None:
    pixels, labels = torch.zeros((2, 1, 3, 3), dtype=torch.uint8), torch.tensor([1, 0])
    assert Pipeline().vary(pixels, Draws.of(0, 0, range(2)), (3, 3)) is pixels
    assert Pipeline().mix(pixels, labels, 2, Draws.of(0, 0, [0]))[1] is labels


def test_a_recipe_lists_augmentations_after_the_short_forms() -> None:
    text = "data.augment=[{name: random-resized-crop, arguments: {scale: [0.08, 1]}}, {name: mixup}]"
    recipe = load_recipe("tfc-digits", [text, "data.flip=true", "data.crop=2"])
    pipeline = recipe.data.pipeline()
    assert [line.name for line in pipeline.lines] == ["crop", "flip", "random-resized-crop", "mixup"]
    assert (pipeline.mixes, pipeline.chooses_size, pipeline.copies) == (1, True, 1)
    with pytest.raises(BadInputError, match=r"flip is given twice"):
        load_recipe("tfc-digits", ["data.augment=[{name: flip}]", "data.flip=true"])
