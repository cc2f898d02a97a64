"""Crop, flip, random resized crop and rotation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.draws import Draws, seeded_torch
from xnorflow.qat.augmentations.kinds import AUGMENTATIONS, ImageAugmentation

INTERPOLATIONS = ("nearest", "bilinear", "bicubic")


def interpolation_mode(name: str, where: str, accepted: tuple[str, ...] = INTERPOLATIONS) -> InterpolationMode:
    """Look a mode of torchvision up by its name.

    Raises:
        BadInputError: the name is not among the ``accepted``.
    """
    if name not in accepted:
        raise BadInputError(f"{where} interpolation {name!r} is not known; known are {', '.join(accepted)}")
    return InterpolationMode(name)


@AUGMENTATIONS.register("crop")
@dataclass(frozen=True)
class Crop(ImageAugmentation):
    """Shift by up to ``border`` pixels each way; what comes in is black."""

    border: int = 4

    def __post_init__(self) -> None:
        if self.border < 1:
            raise BadInputError(f"crop: border {self.border} is below 1")

    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        height, width = images.shape[2:]
        if self.border >= min(height, width):
            raise BadInputError(
                f"crop: border {self.border} leaves nothing of images of {width}x{height} pixels; at most {min(height, width) - 1} is accepted"
            )
        shifted = torch.nn.functional.pad(images, (self.border,) * 4).unfold(2, height, 1).unfold(3, width, 1)
        top, left = (torch.from_numpy(draws.integers(number, 2 * self.border + 1)).to(images.device) for number in (0, 1))
        return shifted[torch.arange(len(images), device=images.device), :, top, left]


@AUGMENTATIONS.register("flip")
@dataclass(frozen=True)
class Flip(ImageAugmentation):
    """Mirror left to right with this ``probability``."""

    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise BadInputError(f"flip: probability {self.probability} is not in [0, 1]")

    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        mirrored = torch.from_numpy((draws.uniform(0) < self.probability).nonzero()[0]).to(images.device)
        varied = images.clone()
        varied[mirrored] = images[mirrored].flip(3)
        return varied


@AUGMENTATIONS.register("random-resized-crop")
@dataclass(frozen=True)
class RandomResizedCrop(ImageAugmentation):
    """A random part of the image, of this share of its area and this ratio of width to height, resized to what the network takes."""

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        for name, (low, high) in (("scale", self.scale), ("ratio", self.ratio)):
            if not 0 < low <= high < float("inf"):
                raise BadInputError(f"random-resized-crop: {name} {low}, {high} is no finite positive range, lowest first")
        interpolation_mode(self.interpolation, "random-resized-crop:")

    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        crop = v2.RandomResizedCrop(size, self.scale, self.ratio, interpolation_mode(self.interpolation, ""))
        return each(crop, images, draws)


@AUGMENTATIONS.register("rotation")
@dataclass(frozen=True)
class Rotation(ImageAugmentation):
    """Turn by up to ``degrees`` either way about the centre; what comes in is black."""

    degrees: float = 15.0
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        if not 0 < self.degrees <= 180:
            raise BadInputError(f"rotation: degrees {self.degrees} is not in (0, 180]")
        interpolation_mode(self.interpolation, "rotation:", INTERPOLATIONS[:2])

    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        return each(v2.RandomRotation(self.degrees, interpolation_mode(self.interpolation, "")), images, draws)


def each(transform: v2.Transform, images: Tensor, draws: Draws) -> Tensor:
    """One of torchvision's transforms on each of uint8 ``(N, C, H, W)`` by itself, with the image's own draws."""
    with seeded_torch() as generator:
        varied = []
        for image, seed in zip(images, draws.seeds(), strict=True):
            generator.manual_seed(seed)
            varied.append(transform(image))
    return torch.stack(varied)
