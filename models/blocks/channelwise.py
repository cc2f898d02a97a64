"""Per-channel shifts, and the activations made of them: RSign's bias and RPReLU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelShift(nn.Module):
    """Add one learned number per channel, initially 0 (the bias of RSign, and of RPReLU).

    Args:
        channels: of the float32 NCHW input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``x + shift``, NCHW."""
        return x + self.shift


class RPReLU(nn.Module):
    """ReActNet's shifted PReLU: ``PReLU(x + before) + after``, all three per channel (Liu et al. 2020, equation 4).

    Args:
        channels: of the float32 NCHW input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.before = ChannelShift(channels)
        self.prelu = nn.PReLU(channels)
        self.after = ChannelShift(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Activate NCHW."""
        out: Tensor = self.after(self.prelu(self.before(x)))
        return out
