"""Random crop and flip of a batch of integer pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def random_crop(pixels: Tensor, border: int, generator: torch.Generator) -> Tensor:
    """Shift every image by up to ``border`` pixels each way; what comes in is black. ``pixels`` is ``(N, H, W, C)``."""
    count, height, width, _ = pixels.shape
    padded = torch.nn.functional.pad(pixels, (0, 0, border, border, border, border))
    top = torch.randint(0, 2 * border + 1, (count, 1), generator=generator)
    left = torch.randint(0, 2 * border + 1, (count, 1), generator=generator)
    rows, columns = top + torch.arange(height), left + torch.arange(width)
    return padded[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def random_flip(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror about half of the images left to right. ``pixels`` is ``(N, H, W, C)``."""
    mirrored = torch.rand(len(pixels), generator=generator) < 0.5
    return torch.where(mirrored[:, None, None, None], pixels.flip(2), pixels)
