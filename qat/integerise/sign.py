"""The step in front of a binary convolution."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xnorflow.models.layers import BIPOLAR
from xnorflow.qat.injectors import binary_activation
from xnorflow.qat.integerise.reach import Reach
from xnorflow.qat.integerise.step import Bound, OnGrid, Step
from xnorflow.qat.layers import BinaryActivation


class Sign(Step):
    """``sign(x * turn + shift)``, the sign of zero is +1; ``turn`` is -1, 0 or +1 per channel, ``shift`` is on the grid of ``x``.

    Whatever is affine and strictly monotone in a channel in front of a sign has this form on a grid; a constant has ``turn`` 0.

    Args:
        channels: of the NCHW input.
        shift: bits behind the binary point of the shifts; None for no shift.
        turns: whether there is a ``turn``.
        estimator, clip: the gradient in fine-tuning, as ``quant.activation`` and ``quant.clip`` of a recipe.
    """

    def __init__(self, channels: int, shift: int | None, turns: bool, estimator: str = "ste", clip: float = 1.0) -> None:
        super().__init__()
        self.channels, self.estimator, self.clip = channels, estimator, clip
        shape = (1, channels, 1, 1)
        self.turn = OnGrid(shape, 0).requires_grad_(False) if turns else None
        self.shift = None if shift is None else OnGrid(shape, shift)
        self.activation = BinaryActivation(bits=BIPOLAR, act_quant=binary_activation(estimator, clip=clip))

    def forward(self, x: Tensor) -> Tensor:
        """-1 and +1."""
        if self.turn is not None:
            x = x * self.turn()
        if self.shift is not None:
            x = x + self.shift()
        signs: Tensor = self.activation(x)
        return signs

    def arguments(self) -> dict[str, Any]:
        shift = None if self.shift is None else self.shift.fraction
        return {"channels": self.channels, "shift": shift, "turns": self.turn is not None, "estimator": self.estimator, "clip": self.clip}

    def bound(self, *ins: Reach) -> Bound:
        (x,) = ins
        worst = x.worst
        if self.shift is not None:
            fraction = max(x.fraction, self.shift.fraction)
            amount = self.shift.integers.abs().flatten() * 2.0 ** (fraction - self.shift.fraction)
            worst = float((x.on(fraction).magnitude + amount).max())
        return Bound(Reach(-torch.ones_like(x.low), torch.ones_like(x.low), 0), worst)
