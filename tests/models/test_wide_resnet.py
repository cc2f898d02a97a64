from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from xnorflow.models import build, cost
from xnorflow.models.blocks.preactivation import PreactivationBlock
from xnorflow.models.blocks.site import Site


def test_it_has_22_layers_and_the_parameters_counted_by_hand() -> None:
    figures = cost("wide-resnet-22-1", input_shape=(3, 32, 32), num_classes=10)
    convs = 9 * (3 * 16 + 6 * 16 * 16 + 16 * 32 + 5 * 32 * 32 + 32 * 64 + 5 * 64 * 64)
    skips = 16 * 32 + 32 * 64
    norms = 2 * (6 * 16 + (16 + 5 * 32) + (32 + 5 * 64) + 64)
    assert len(figures.layers) == 22
    assert figures.parameters == convs + skips + norms + 64 * 10 + 10
    assert (figures.bops, figures.binary_weights) == (0, 0)


@pytest.mark.parametrize("site", [Site(4, 4, 1, 6, 6), Site(4, 8, 2, 3, 3)])
def test_its_block_computes_the_papers_formula(site: Site) -> None:
    block = PreactivationBlock(site).eval()
    x = torch.randn(2, 4, 6, 6)
    shrink = (1 + 1e-5) ** -0.5  # what a fresh batch norm does in evaluation
    active = (x * shrink).clamp(min=0)
    hidden = functional.conv2d(active, block.conv1.weight, stride=site.stride, padding=1)
    inner = functional.conv2d((hidden * shrink).clamp(min=0), block.conv2.weight, padding=1)
    skip = x if block.shortcut is None else torch.einsum("nchw,oc->nohw", active[:, :, ::2, ::2], block.shortcut.weight[:, :, 0, 0])
    torch.testing.assert_close(block(x), inner + skip)


def test_it_takes_odd_images_and_any_width() -> None:
    assert build("wide-resnet-22-1", input_shape=(1, 9, 7), num_classes=3, width=0.25)(torch.randn(2, 1, 9, 7)).shape == (2, 3)
