from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.colour import EIGENVALUES, EIGENVECTORS, ColourJitter, Lighting
from xnorflow.qat.augmentations.draws import Draws


def images(count: int, channels: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (count, channels, 7, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_jitter_is_torchvisions_with_the_images_own_seed() -> None:
    pixels, draws = images(6), Draws.of(1, 2, range(6))
    jittered = ColourJitter(0.4, 0.3, 0.2, 0.1).vary(pixels, draws, (7, 6))
    for image, seed, ours in zip(pixels, draws.seeds(), jittered, strict=True):
        torch.manual_seed(seed)
        assert torch.equal(v2.ColorJitter(0.4, 0.3, 0.2, 0.1)(image), ours)


def test_no_jitter_leaves_the_image() -> None:
    pixels = images(3)
    assert torch.equal(ColourJitter(0.0, 0.0, 0.0).vary(pixels, Draws.of(0, 0, range(3)), (7, 6)), pixels)


def test_lighting_adds_one_colour_to_all_pixels_of_an_image() -> None:
    grey = torch.full((500, 3, 2, 2), 128, dtype=torch.uint8)
    shift = Lighting(0.1).vary(grey, Draws.of(0, 0, range(500)), (2, 2)).float() - 128
    assert torch.equal(shift, shift[:, :, :1, :1].expand_as(shift))
    covariance = np.cov(shift[:, :, 0, 0].numpy().T)
    vectors = np.array(EIGENVECTORS)
    expected = vectors @ np.diag((25.5 * np.array(EIGENVALUES)) ** 2) @ vectors.T
    assert abs(covariance - expected).max() < 0.15 * expected.max()


def test_the_components_are_orthonormal_and_belong_to_the_known_covariance() -> None:
    vectors = np.array(EIGENVECTORS)
    assert abs(vectors.T @ vectors - np.eye(3)).max() < 2e-4


def test_lighting_stays_within_the_range_of_pixels_and_needs_three_channels() -> None:
    extremes = torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 1, 2).expand(50, 3, 1, 2)
    lit = Lighting(0.5).vary(extremes, Draws.of(0, 0, range(50)), (1, 2))
    assert (lit[..., 1] >= lit[..., 0]).all()
    with pytest.raises(BadInputError, match=r"^lighting is for images of 3 channels, these have 1$"):
        Lighting().vary(images(2, 1), Draws.of(0, 0, range(2)), (7, 6))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ColourJitter(brightness=-0.1), r"^colour-jitter: brightness -0\.1 is no finite value from 0 on$"),
        (lambda: ColourJitter(hue=0.6), r"^colour-jitter: hue 0\.6 is not in \[0, 0\.5\]$"),
        (lambda: Lighting(0.0), r"^lighting: std 0\.0 is no finite positive value$"),
    ],
)
def test_unusable_arguments_are_refused(make: object, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        make()
