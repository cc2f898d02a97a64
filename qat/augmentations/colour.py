"""Colour jitter and AlexNet's lighting."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import v2

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.geometry import each
from xnorflow.qat.augmentations.kinds import AUGMENTATIONS, ImageAugmentation

EIGENVALUES = (0.2175, 0.0188, 0.0045)
EIGENVECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


@AUGMENTATIONS.register("colour-jitter")
@dataclass(frozen=True)
class ColourJitter(ImageAugmentation):
    """Brightness, contrast and saturation by a factor of 1 - value to 1 + value, hue by a share of the circle, in random order."""

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.0

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise BadInputError(f"colour-jitter: {name} {getattr(self, name)} is no finite value from 0 on")
        if not 0 <= self.hue <= 0.5:
            raise BadInputError(f"colour-jitter: hue {self.hue} is not in [0, 0.5]")

    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        return each(v2.ColorJitter(self.brightness, self.contrast, self.saturation, self.hue), images, draws)


@AUGMENTATIONS.register("lighting")
@dataclass(frozen=True)
class Lighting(ImageAugmentation):
    """Add to all pixels of an image a normal multiple, of deviation ``std``, of each principal component of ImageNet's colours.

    Source: Krizhevsky et al., ImageNet classification with deep convolutional networks (2012), section 4.1, with the components
    that public training code uses. The result is rounded to whole pixel values; torchvision has no such transform.
    """

    std: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.std < float("inf"):
            raise BadInputError(f"lighting: std {self.std} is no finite positive value")

    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        if images.shape[1] != 3:
            raise BadInputError(f"lighting is for images of 3 channels, these have {images.shape[1]}")
        # Sums over the components one by one: a matrix product may round differently for another number of images.
        shift = torch.zeros(len(images), 3, dtype=torch.float64)
        for number, value in enumerate(EIGENVALUES):
            amount = torch.from_numpy(draws.normal(number)) * (self.std * value)
            shift += amount[:, None] * torch.tensor([row[number] for row in EIGENVECTORS], dtype=torch.float64)
        added = (255 * shift).float().to(images.device)
        return (images.float() + added[:, :, None, None]).round_().clamp_(0, 255).to(torch.uint8)
