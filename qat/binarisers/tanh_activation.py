"""Real-valued activations in a binary network's place (Real-to-Binary, stage 0)."""

from __future__ import annotations

import torch
from torch import Tensor

from xnorflow.qat.binarisers.schedule import Scheduled


class TanhActivation(Scheduled):
    """``tanh(x)``, real-valued: what stands where the signs will be, while a real network of the binary architecture is trained."""

    def __init__(self) -> None:
        super().__init__()

    def set_epoch(self, epoch: float, epochs: int) -> None:
        pass

    def softness(self) -> str | None:
        return "its activations are tanh(x), real-valued"

    def forward(self, x: Tensor) -> Tensor:
        """``tanh(x)``, any shape."""
        return torch.tanh(x)
