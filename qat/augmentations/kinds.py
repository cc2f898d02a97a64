"""The three kinds of augmentation: of single images, of whole batches, and of the order of the images."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.registry import Registry


class ImageAugmentation(ABC):
    """Changes every image on its own."""

    @abstractmethod
    def vary(self, images: Tensor, draws: Draws, size: tuple[int, int]) -> Tensor:
        """Change images.

        Args:
            images: uint8 ``(N, C, H, W)`` on any device.
            draws: of these images.
            size: ``(H, W)`` that the network takes, for augmentations that choose the size of what they return.

        Returns:
            uint8 ``(N, C, h, w)`` on the same device; an image's result does not depend on the others.
        """


class BatchAugmentation(ABC):
    """Mixes every image of a batch with the one before it, and the first with the last."""

    @abstractmethod
    def mix(self, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        """Mix a batch.

        Args:
            images: uint8 ``(N, C, H, W)`` on any device.
            labels: float32 ``(N, K)`` on the same device, shares that sum to one.
            draws: of this batch, one item.
        """


class OrderAugmentation(ABC):
    """Decides how often an image comes in one batch."""

    copies: int


Augmentation = ImageAugmentation | BatchAugmentation | OrderAugmentation
AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation")
