"""Mixup and CutMix: images of a batch mixed in pairs, and their labels with them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import v2

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.draws import Draws, seeded_torch
from xnorflow.qat.augmentations.kinds import AUGMENTATIONS, BatchAugmentation


@dataclass(frozen=True)
class _Mixing(BatchAugmentation):
    """Mix a batch with this ``probability``; the share is drawn from Beta(``alpha``, ``alpha``), once for the batch."""

    alpha: float = 1.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < float("inf"):
            raise BadInputError(f"{type(self).__name__.lower()}: alpha {self.alpha} is no finite positive value")
        if not 0 < self.probability <= 1:
            raise BadInputError(f"{type(self).__name__.lower()}: probability {self.probability} is not in (0, 1]")

    def _mixed(self, transform: v2.Transform, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        if draws.uniform(0)[0] >= self.probability:
            return images, labels
        with seeded_torch() as generator:
            generator.manual_seed(draws.seeds()[0])
            mixed, shares = transform(images.float(), labels)
        return mixed.round_().to(torch.uint8), shares


@AUGMENTATIONS.register("mixup")
@dataclass(frozen=True)
class Mixup(_Mixing):
    """Zhang et al., mixup (2018). Mixed pixels are rounded: the network takes integers, in training as in hardware."""

    def mix(self, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        return self._mixed(v2.MixUp(alpha=self.alpha), images, labels, draws)


@AUGMENTATIONS.register("cutmix")
@dataclass(frozen=True)
class Cutmix(_Mixing):
    """Yun et al., CutMix (2019)."""

    def mix(self, images: Tensor, labels: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
        return self._mixed(v2.CutMix(alpha=self.alpha), images, labels, draws)
