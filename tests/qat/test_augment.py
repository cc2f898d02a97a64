from __future__ import annotations

import torch

from xnorflow.qat.augment import random_crop, random_flip


def images(count: int) -> torch.Tensor:
    return torch.randint(1, 256, (count, 5, 6, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_a_crop_is_a_shift_with_black_behind_it_and_every_shift_occurs() -> None:
    pixels = images(200)
    cropped = random_crop(pixels, 1, torch.Generator().manual_seed(1))
    seen = set()
    for before, after in zip(pixels, cropped, strict=True):
        matches = []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                shifted = torch.zeros_like(before)
                for row in range(5):
                    for column in range(6):
                        if 0 <= row + down < 5 and 0 <= column + right < 6:
                            shifted[row, column] = before[row + down, column + right]
                if torch.equal(shifted, after):
                    matches.append((down, right))
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 9


def test_a_flip_mirrors_about_half_of_the_images() -> None:
    pixels = images(200)
    flipped = random_flip(pixels, torch.Generator().manual_seed(1))
    mirrored = [torch.equal(after, before.flip(1)) for before, after in zip(pixels, flipped, strict=True)]
    kept = [torch.equal(after, before) for before, after in zip(pixels, flipped, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 60 < sum(mirrored) < 140


def test_the_same_generator_gives_the_same_images() -> None:
    pixels = images(20)
    first, second = (random_flip(random_crop(pixels, 2, g), g) for g in (torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)))
    assert torch.equal(first, second)
