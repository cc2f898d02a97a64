from __future__ import annotations

import pytest
import torch
from torchvision.transforms import InterpolationMode, v2

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.geometry import Crop, Flip, RandomResizedCrop, Rotation


def images(count: int) -> torch.Tensor:
    return torch.randint(1, 256, (count, 3, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def draws(count: int) -> Draws:
    return Draws.of(1, 0, range(count))


def test_a_crop_is_a_shift_with_black_behind_it_and_every_shift_occurs() -> None:
    pixels = images(200)
    seen = set()
    for before, after in zip(pixels, Crop(1).vary(pixels, draws(200), (5, 6)), strict=True):
        matches = []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                shifted = torch.zeros_like(before)
                for row in range(5):
                    for column in range(6):
                        if 0 <= row + down < 5 and 0 <= column + right < 6:
                            shifted[:, row, column] = before[:, row + down, column + right]
                if torch.equal(shifted, after):
                    matches.append((down, right))
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 9


def test_a_flip_mirrors_about_half_of_the_images() -> None:
    pixels = images(200)
    flipped = Flip().vary(pixels, draws(200), (5, 6))
    mirrored = [torch.equal(after, before.flip(2)) for before, after in zip(pixels, flipped, strict=True)]
    kept = [torch.equal(after, before) for before, after in zip(pixels, flipped, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 60 < sum(mirrored) < 140


def test_a_random_resized_crop_is_torchvisions_with_the_images_own_seed() -> None:
    pixels = images(5)
    cropped = RandomResizedCrop((0.2, 1.25), (0.5, 2.0), "bicubic").vary(pixels, draws(5), (4, 7))
    for image, seed, ours in zip(pixels, draws(5).seeds(), cropped, strict=True):
        torch.manual_seed(seed)
        assert torch.equal(v2.RandomResizedCrop((4, 7), (0.2, 1.25), (0.5, 2.0), InterpolationMode.BICUBIC)(image), ours)


def test_a_rotation_is_torchvisions_with_the_images_own_seed() -> None:
    pixels = images(5)
    for image, seed, ours in zip(pixels, draws(5).seeds(), Rotation(15, "bilinear").vary(pixels, draws(5), (5, 6)), strict=True):
        torch.manual_seed(seed)
        assert torch.equal(v2.RandomRotation(15, InterpolationMode.BILINEAR)(image), ours)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Crop(0), r"^crop: border 0 is below 1$"),
        (lambda: Crop(5).vary(images(1), draws(1), (5, 6)), r"^crop: border 5 leaves nothing of images of 6x5 pixels; at most 4 is accepted$"),
        (lambda: Flip(1.5), r"^flip: probability 1\.5 is not in \[0, 1\]$"),
        (lambda: RandomResizedCrop((0.5, 0.1)), r"^random-resized-crop: scale 0\.5, 0\.1 is no finite positive range, lowest first$"),
        (lambda: RandomResizedCrop((0.5, float("inf"))), r"^random-resized-crop: scale 0\.5, inf is no finite positive range"),
        (lambda: RandomResizedCrop(ratio=(0.0, 1.0)), r"^random-resized-crop: ratio 0\.0, 1\.0 is no finite positive range"),
        (lambda: RandomResizedCrop(interpolation="lanczos"), r"^random-resized-crop: interpolation 'lanczos' is not known; known are nearest"),
        (lambda: Rotation(0.0), r"^rotation: degrees 0\.0 is not in \(0, 180\]$"),
        (lambda: Rotation(interpolation="bicubic"), r"^rotation: interpolation 'bicubic' is not known; known are nearest, bilinear$"),
    ],
)
def test_unusable_arguments_are_refused(make: object, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        make()
