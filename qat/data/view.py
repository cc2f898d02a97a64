"""How images of any size become those that a network is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError

INTERPOLATIONS = ("nearest", "bilinear", "bicubic")


@dataclass(frozen=True)
class EvaluationView:
    """Resize the shorter side to ``size / crop_ratio`` and cut ``size`` x ``size`` out of the middle.

    Attributes:
        size: of the network's images; None leaves every image as it is, and all must have one size.
        crop_ratio: share of the shorter side that is kept.
        interpolation: ``nearest``, ``bilinear`` or ``bicubic``, antialiased.
    """

    size: int | None = None
    crop_ratio: float = 0.875
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise BadInputError(f"data.size {self.size} is below 1")
        if not 0 < self.crop_ratio <= 1:
            raise BadInputError(f"data.crop_ratio {self.crop_ratio} is not in (0, 1]")
        if self.interpolation not in INTERPOLATIONS:
            raise BadInputError(f"data.interpolation {self.interpolation!r} is not known; known are {', '.join(INTERPOLATIONS)}")

    def apply(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The view of one image, uint8 ``(H, W, C)``, by torchvision's transforms."""
        if self.size is None:
            return image
        import torch
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms.v2 import functional

        pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
        resized = functional.resize(pixels, [round(self.size / self.crop_ratio)], interpolation=InterpolationMode(self.interpolation))
        cropped = functional.center_crop(resized, [self.size, self.size])
        return np.ascontiguousarray(cropped.permute(1, 2, 0).numpy())
