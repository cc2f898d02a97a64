"""A recipe's augmentations put together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations import colour, geometry, mixing, randaugment, repeated  # registers them
from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.kinds import AUGMENTATIONS, BatchAugmentation, ImageAugmentation, OrderAugmentation
from xnorflow.qat.augmentations.line import AugmentationLine

__all__ = ["AUGMENTATIONS", "Pipeline", "colour", "geometry", "mixing", "randaugment", "repeated"]
WHERE = "data.augment"


class Pipeline:
    """The augmentations of a training, in order.

    Args:
        lines: a recipe's; each name once, those that mix images after those that change single ones.

    Raises:
        BadInputError: a name or argument is not known or not accepted, a name comes twice, or the order is another.
    """

    def __init__(self, lines: Sequence[AugmentationLine] = ()) -> None:
        self.lines = tuple(lines)
        names = [line.name for line in lines]
        built = [AUGMENTATIONS.build(line.name, line.arguments, WHERE) for line in lines]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise BadInputError(f"{WHERE}: {name} is given twice")
            if isinstance(built[index], ImageAugmentation) and any(isinstance(each, BatchAugmentation) for each in built[:index]):
                raise BadInputError(f"{WHERE}: {name} comes after an augmentation that mixes images; those come last")
        named = list(zip(names, built, strict=True))
        self._single = [(name, each) for name, each in named if isinstance(each, ImageAugmentation)]
        self._mixing = [(name, each) for name, each in named if isinstance(each, BatchAugmentation)]
        self.copies = max((each.copies for each in built if isinstance(each, OrderAugmentation)), default=1)
        self.chooses_size = any(isinstance(each, geometry.RandomResizedCrop) for each in built)

    @property
    def mixes(self) -> int:
        """Augmentations that mix each image with the one before it."""
        return len(self._mixing)

    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        """Change every image on its own; see :meth:`~xnorflow.qat.augmentations.kinds.ImageAugmentation.vary`."""
        for name, each in self._single:
            images = each.vary(images, draws.named(name), size)
        return images

    def mix(self, images: Tensor, labels: Tensor, classes: int, draws: Draws) -> tuple[Tensor, Tensor]:
        """Mix the images of a batch.

        Args:
            images: uint8 ``(N, C, H, W)``.
            labels: int64 ``(N,)``.
            classes: number of labels.
            draws: of the batch, one item.

        Returns:
            Images as given, and labels float32 ``(N, classes)`` where the pipeline mixes, else as given.
        """
        if not self._mixing:
            return images, labels
        shares = torch.nn.functional.one_hot(labels, classes).float()
        for name, each in self._mixing:
            images, shares = each.mix(images, shares, draws.named(name))
        return images, shares
