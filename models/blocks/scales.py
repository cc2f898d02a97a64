"""Learned factors of a binary convolution's output."""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor, nn


class Scale(StrEnum):
    """Which learned factors a binary convolution's output is multiplied by."""

    NONE = "none"
    CHANNEL = "channel"
    RANK_ONE = "rank-1"


class ChannelFactor(nn.Module):
    """One learned factor per channel.

    Args:
        channels: of the float32 NCHW input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``x * channel``, NCHW."""
        return x * self.channel


class RankOneFactor(nn.Module):
    """A learned factor per channel times one per row times one per column (XNOR-Net++, the rank-1 tensor of its case 4).

    Hardware folds the channels' part into a multiplier it has anyway; rows and columns need a table per position.

    Args:
        channels, height, width: of the float32 NCHW input; the network then takes images of this one size.
    """

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.channel = nn.Parameter(torch.ones(channels, 1, 1))
        self.row = nn.Parameter(torch.ones(height, 1))
        self.column = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """``x * channel * row * column``, NCHW."""
        return x * (self.channel * self.row * self.column)


def scale_layer(scale: Scale, channels: int, height: int, width: int) -> nn.Module:
    """The layer of a scale behind a convolution whose output is ``(N, channels, height, width)``."""
    match scale:
        case Scale.NONE:
            return nn.Identity()
        case Scale.CHANNEL:
            return ChannelFactor(channels)
        case Scale.RANK_ONE:
            return RankOneFactor(channels, height, width)
