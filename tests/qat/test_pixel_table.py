from __future__ import annotations

import numpy as np
import pytest
import torch

from xnorflow.pixels import PixelNorm
from xnorflow.qat.pixel_table import PixelTable

NORM = PixelNorm(mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3))


@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (1, 1, 1, 3), (5, 7, 3, 3)])
@pytest.mark.parametrize("channels_first", [False, True])
def test_any_layout_of_pixels_gives_the_bits_of_the_normalisation_in_one_layout(shape: tuple[int, ...], channels_first: bool) -> None:
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    given = pixels.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1) if channels_first else pixels
    normalised = PixelTable(NORM, 3)(given)
    assert normalised.is_contiguous()
    assert np.array_equal(normalised.numpy(), NORM.apply(pixels.numpy()).transpose(0, 3, 1, 2))
