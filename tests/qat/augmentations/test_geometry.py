from __future__ import annotations

import torch

from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.geometry import Crop, Flip


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
