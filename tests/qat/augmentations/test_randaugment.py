"""Our batched form is torchvision's RandAugment, image by image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode, v2

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.randaugment import OPERATIONS, RandAugment


def images(count: int, channels: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (count, channels, 24, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Dictated(v2.RandAugment):
    """Torchvision's transform, made to draw one operation."""

    def __init__(self, operation: str, magnitude: int, bins: int) -> None:
        super().__init__(1, magnitude, bins)
        self.operation = operation

    def _get_random_item(self, dct):
        return self.operation, dct[self.operation]


def positive(transform: v2.RandAugment, image: torch.Tensor, *, negative: bool) -> torch.Tensor:
    """What the transform gives with the sign asked for: the seed's first value decides it."""
    for seed in range(100):
        torch.manual_seed(seed)
        if (float(torch.rand(())) <= 0.5) == negative:
            torch.manual_seed(seed)
            return transform(image)
    raise AssertionError


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_each_operation_has_torchvisions_pixels_at_every_magnitude(name: str) -> None:
    operation, image = OPERATIONS[name], images(1)[0]
    for bins in (11, 31):
        for magnitude in range(bins):
            strength = operation.strength(float(magnitude), bins, image[None].shape)
            for negative in (False, True) if operation.signed else (False,):
                expected = positive(Dictated(name, magnitude, bins), image, negative=negative)
                ours = operation.apply(image[None], -strength if negative else strength, InterpolationMode.NEAREST)[0]
                assert torch.equal(ours, expected)


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_the_strength_between_two_magnitudes_lies_between_theirs(name: str) -> None:
    operation = OPERATIONS[name]
    below, between, above = (operation.strength(magnitude, 11, (1, 3, 24, 32)) for magnitude in (7.0, 7.25, 8.0))
    assert between == pytest.approx(0.75 * below + 0.25 * above)


def test_the_operations_are_torchvisions_in_its_order() -> None:
    assert list(OPERATIONS) == list(v2.RandAugment._AUGMENTATION_SPACE)
    assert [operation.signed for operation in OPERATIONS.values()] == [signed for _, signed in v2.RandAugment._AUGMENTATION_SPACE.values()]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("std", [0.0, 1.5])
def test_an_images_result_does_not_depend_on_the_others(channels: int, std: float) -> None:
    augment, pixels, draws = RandAugment(2, std=std), images(64, channels), Draws.of(0, 0, range(64))
    together = augment.vary(pixels, draws, (24, 32))
    alone = torch.cat([augment.vary(pixels[n : n + 1], draws[n : n + 1], (24, 32)) for n in range(64)])
    assert torch.equal(together, alone)
    assert (together != pixels).flatten(1).any(1).sum() > 32


def test_every_operation_is_drawn_equally_often_and_std_spreads_the_magnitudes() -> None:
    draws = Draws.of(0, 0, range(14_000))
    drawn = RandAugment(magnitude=7, bins=11, std=0.5)._drawn(draws)
    assert abs(np.bincount(drawn[:, 0].astype(np.int64)) - 1000).max() < 160
    shears = drawn[drawn[:, 0] == 1]
    assert abs(shears[:, 1].mean() - 7) < 0.1
    assert abs(shears[:, 1].std() - 0.5) < 0.05
    assert abs(shears[:, 2].mean() - 0.5) < 0.1


def test_the_callers_images_stay_as_they_are() -> None:
    pixels = images(30)
    before = pixels.clone()
    RandAugment(1).vary(pixels, Draws.of(0, 0, range(30)), (24, 32))
    assert torch.equal(pixels, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n 0 is below 1"),
        ({"magnitude": 31}, "magnitude 31 is not among 31 bins, 0 to 30"),
        ({"bins": 1, "magnitude": 0}, "bins is 2 or more"),
        ({"std": -1.0}, "std -1.0 is no finite value"),
        ({"std": float("nan")}, "std nan is no finite value"),
        ({"interpolation": "bicubic"}, "interpolation 'bicubic' is not known; known are nearest, bilinear"),
    ],
)
def test_unusable_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        RandAugment(**arguments)
