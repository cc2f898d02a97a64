"""Repeated augmentation: an image comes several times in a batch, varied differently."""

from __future__ import annotations

from dataclasses import dataclass

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.kinds import AUGMENTATIONS, OrderAugmentation


@AUGMENTATIONS.register("repeated")
@dataclass(frozen=True)
class Repeated(OrderAugmentation):
    """Every image ``copies`` times in a row; an epoch has as many batches as ever, and so sees only every ``copies``-th image.

    Source: Berman et al., MultiGrain (2019); the epoch's length as in DeiT's sampler.
    """

    copies: int = 3

    def __post_init__(self) -> None:
        if self.copies < 2:
            raise BadInputError(f"repeated: copies {self.copies} is below 2")
