"""How an integerised network is trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xnorflow.errors import BadInputError


@dataclass(frozen=True)
class FineTuneSettings:
    """How an integerised network is trained on; the defaults are the BNext paper's (section 7.5) but for the epochs, which it has 5 of.

    Attributes:
        epochs: passes over the training images; 0 for none.
        lr: of AdamW, constant.
        betas: of AdamW.
        batch_size: images of a step.
        end_to_end: train the binary weights, too.
        seed: of the images' order.
    """

    epochs: int = 0
    lr: float = 1e-7
    betas: tuple[float, float] = (0.99, 0.999)
    batch_size: int = 64
    end_to_end: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 0:
            raise BadInputError(f"fine_tune.epochs {self.epochs} is negative")
        if not (self.lr > 0 and math.isfinite(self.lr)):
            raise BadInputError(f"fine_tune.lr {self.lr} is not a positive number")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise BadInputError(f"fine_tune.betas {self.betas} are not two numbers in [0, 1)")
        if self.batch_size < 1:
            raise BadInputError(f"fine_tune.batch_size {self.batch_size} is below 1")
