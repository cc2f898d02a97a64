"""Normalise integer pixels in torch with the very bits of ``PixelNorm``."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from xnorflow.pixels import PixelNorm

PIXEL_VALUES = 256


class PixelTable(nn.Module):
    """Look every pixel up in ``PixelNorm.apply`` of its 256 values; uint8 ``(N, H, W, C)`` to float32 ``(N, C, H, W)``.

    Args:
        pixel_norm: the normalisation.
        channels: channels of an image.

    Raises:
        BadInputError: mean or std do not fit the channels.
    """

    table: Tensor
    channel: Tensor

    def __init__(self, pixel_norm: PixelNorm, channels: int) -> None:
        super().__init__()
        values = np.repeat(np.arange(PIXEL_VALUES)[:, None], channels, axis=1)
        self.register_buffer("table", torch.from_numpy(pixel_norm.apply(values)), persistent=False)
        self.register_buffer("channel", torch.arange(channels), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Normalise a batch."""
        normalised: Tensor = self.table[pixels.long(), self.channel]
        return normalised.permute(0, 3, 1, 2).contiguous()
