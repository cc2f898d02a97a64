"""RandAugment in whole batches: images that drew the same operation go through torchvision together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.geometry import INTERPOLATIONS, interpolation_mode
from xnorflow.qat.augmentations.kinds import AUGMENTATIONS, ImageAugmentation

Apply = Callable[[Tensor, float, InterpolationMode], Tensor]


def _shear(images: Tensor, x: float, y: float, mode: InterpolationMode) -> Tensor:
    angles = [math.degrees(math.atan(x)), math.degrees(math.atan(y))]
    sheared: Tensor = functional.affine(images, angle=0.0, translate=[0, 0], scale=1.0, shear=angles, interpolation=mode, center=[0, 0])
    return sheared


def _translate(images: Tensor, x: int, y: int, mode: InterpolationMode) -> Tensor:
    moved: Tensor = functional.affine(images, angle=0.0, translate=[x, y], scale=1.0, shear=[0.0, 0.0], interpolation=mode)
    return moved


@dataclass(frozen=True)
class Operation:
    """One of RandAugment's operations.

    Attributes:
        apply: on uint8 ``(N, C, H, W)``, with a strength and an interpolation.
        greatest: the strength at the greatest magnitude.
        signed: the strength is negative in half of the cases.
        along: dimension of ``(N, C, H, W)`` whose length multiplies the strength.
        least: the strength at magnitude 0; it changes evenly from there.
    """

    apply: Apply
    greatest: float = 0.0
    signed: bool = False
    along: int | None = None
    least: float = 0.0

    @property
    def graded(self) -> bool:
        """Whether the magnitude matters."""
        return self.least != self.greatest

    def strength(self, magnitude: float, bins: int, shape: Sequence[int]) -> float:
        """The strength at a magnitude of 0 to ``bins - 1``; at a whole one it has the bits of torchvision's."""
        length = 1 if self.along is None else shape[self.along]
        least, greatest = self.least * length, self.greatest * length
        if magnitude.is_integer():
            return float(torch.linspace(least, greatest, bins)[int(magnitude)])
        return least + (greatest - least) * magnitude / (bins - 1)


# In torchvision's order, with the strengths of its RandAugment (and of AutoAugment's authors).
OPERATIONS: Mapping[str, Operation] = {
    "Identity": Operation(lambda images, _, __: images),
    "ShearX": Operation(lambda images, strength, mode: _shear(images, strength, 0.0, mode), 0.3, True),
    "ShearY": Operation(lambda images, strength, mode: _shear(images, 0.0, strength, mode), 0.3, True),
    "TranslateX": Operation(lambda images, strength, mode: _translate(images, int(strength), 0, mode), 150 / 331, True, 3),
    "TranslateY": Operation(lambda images, strength, mode: _translate(images, 0, int(strength), mode), 150 / 331, True, 2),
    "Rotate": Operation(lambda images, strength, mode: functional.rotate(images, strength, interpolation=mode), 30.0, True),
    "Brightness": Operation(lambda images, strength, _: functional.adjust_brightness(images, 1 + strength), 0.9, True),
    "Color": Operation(lambda images, strength, _: functional.adjust_saturation(images, 1 + strength), 0.9, True),
    "Contrast": Operation(lambda images, strength, _: functional.adjust_contrast(images, 1 + strength), 0.9, True),
    "Sharpness": Operation(lambda images, strength, _: functional.adjust_sharpness(images, 1 + strength), 0.9, True),
    "Posterize": Operation(lambda images, strength, _: functional.posterize(images, 8 - round(strength)), 4.0),
    "Solarize": Operation(lambda images, strength, _: functional.solarize(images, 255 * strength), 0.0, least=1.0),
    "AutoContrast": Operation(lambda images, _, __: functional.autocontrast(images)),
    "Equalize": Operation(lambda images, _, __: functional.equalize(images)),
}


@AUGMENTATIONS.register("randaugment")
@dataclass(frozen=True)
class RandAugment(ImageAugmentation):
    """``n`` operations in a row, each drawn evenly from torchvision's fourteen, at ``magnitude`` of ``bins`` (0 to ``bins`` - 1).

    With ``std`` each operation of each image has its own magnitude, drawn from a normal distribution and clamped.

    Source: Cubuk et al., RandAugment (2020). ``std`` is timm's and has no counterpart in torchvision.
    """

    n: int = 2
    magnitude: int = 9
    bins: int = 31
    std: float = 0.0
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        if self.n < 1:
            raise BadInputError(f"randaugment: n {self.n} is below 1")
        if self.bins < 2 or not 0 <= self.magnitude < self.bins:
            raise BadInputError(f"randaugment: magnitude {self.magnitude} is not among {self.bins} bins, 0 to {self.bins - 1}; bins is 2 or more")
        if not 0 <= self.std < float("inf"):
            raise BadInputError(f"randaugment: std {self.std} is no finite value from 0 on")
        interpolation_mode(self.interpolation, "randaugment:", INTERPOLATIONS[:2])

    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        for number in range(self.n):
            images = self._step(images, draws.named(f"operation {number}"))
        return images

    def _step(self, images: Tensor, draws: Draws) -> Tensor:
        mode = interpolation_mode(self.interpolation, "")
        result = images.clone()
        operations = list(OPERATIONS.values())
        drawn = self._drawn(draws)
        for index, magnitude, negative in np.unique(drawn, axis=0).tolist():
            operation = operations[int(index)]
            strength = operation.strength(magnitude, self.bins, images.shape)
            chosen = torch.from_numpy((drawn == (index, magnitude, negative)).all(axis=1).nonzero()[0]).to(images.device)
            result[chosen] = operation.apply(images[chosen], -strength if negative else strength, mode)
        return result

    def _drawn(self, draws: Draws) -> npt.NDArray[np.float64]:
        """Operation, magnitude and sign of each image, ``(N, 3)``; 0 for what the operation does not use, so that more images share a call."""
        magnitudes = np.clip(self.magnitude + self.std * draws.normal(1), 0, self.bins - 1)
        chosen = draws.integers(0, len(OPERATIONS))
        drawn = np.stack([chosen, magnitudes, draws.integers(1, 2)], axis=1)
        used = np.array([[1, operation.graded, operation.signed] for operation in OPERATIONS.values()])
        drawn *= used[chosen]
        return drawn
