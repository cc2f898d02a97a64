from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from xnorflow.models import ModelConfig
from xnorflow.models.blocks.bireal import BiRealUnit
from xnorflow.models.blocks.react import ReActNetABlock, ReActUnit
from xnorflow.models.blocks.recu import ReCUUnit
from xnorflow.models.blocks.scales import Scale
from xnorflow.models.blocks.shortcut import Shortcut, average
from xnorflow.models.blocks.single_skip import BnnBlock, XnorBlock
from xnorflow.models.blocks.site import Site

KEEP = Site(4, 4, 1, 6, 6)
HALVE = Site(4, 8, 2, 3, 3)
SHAPE = (2, 4, 6, 6)
Compare = Callable[..., None]
Values = dict[str, Tensor]


def config(padding_value: int = -1) -> ModelConfig:
    return ModelConfig(name="test", input_shape=(3, 6, 6), num_classes=2, padding_value=padding_value)


@pytest.mark.parametrize("border", [-1, 0, 1])
def test_a_bireal_unit_is_norm_of_conv_of_sign_plus_the_input(border: int, plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        return plain.norm(p, "norm", plain.conv(p, "conv", plain.sign(x), 1, border)) + x

    compare(BiRealUnit(KEEP, config(border), Shortcut.POOL_REAL), formula, SHAPE)


def test_the_pooled_shortcuts_average_before_the_pointwise_convolution(plain: SimpleNamespace, compare: Compare) -> None:
    def skip_real(p: Values, x: Tensor) -> Any:
        return plain.norm(p, "shortcut.2", plain.real_pointwise(p, "shortcut.1", plain.average(x)))

    def skip_binary(p: Values, x: Tensor) -> Any:
        return plain.norm(p, "shortcut.3", plain.conv(p, "shortcut.2", plain.sign(plain.average(x))))

    for kind, skip in ((Shortcut.POOL_REAL, skip_real), (Shortcut.POOL_BINARY, skip_binary)):
        compare(
            BiRealUnit(HALVE, config(), kind),
            lambda p, x, skip=skip: plain.norm(p, "norm", plain.conv(p, "conv", plain.sign(x), 2, -1)) + skip(p, x),
            SHAPE,
        )


def test_a_bnn_block_has_one_skip_around_two_convolutions(plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        inner = plain.norm(p, "body.2", plain.conv(p, "body.1", plain.sign(x), 2, -1))
        outer = plain.norm(p, "body.5", plain.conv(p, "body.4", plain.sign(inner), 1, -1))
        return outer + plain.norm(p, "shortcut.2", plain.conv(p, "shortcut.1", plain.sign(x), 2))

    compare(BnnBlock(HALVE, config(), Shortcut.STRIDE_BINARY), formula, SHAPE)


def test_an_xnor_block_normalises_before_each_sign(plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        inner = plain.conv(p, "body.2", plain.sign(plain.norm(p, "body.0", x)), 2, -1)
        outer = plain.conv(p, "body.5", plain.sign(plain.norm(p, "body.3", inner)), 1, -1)
        return outer + torch.cat([torch.zeros(2, 2, 3, 3), x[:, :, ::2, ::2], torch.zeros(2, 2, 3, 3)], 1)

    compare(XnorBlock(HALVE, config(), Shortcut.PAD), formula, SHAPE)


def test_a_recu_unit_scales_and_saturates(plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        inner = plain.norm(p, "norm", plain.conv(p, "conv", plain.sign(x), 2, -1) * p["factor.channel"])
        skip = plain.norm(p, "shortcut.1", plain.real_pointwise(p, "shortcut.0", x, 2))
        return (inner + skip).clamp(-1, 1)

    compare(ReCUUnit(HALVE, config(), Shortcut.STRIDE_REAL), formula, SHAPE)


@pytest.mark.parametrize("scale", list(Scale))
def test_a_react_unit_shifts_before_the_sign_and_around_the_prelu(scale: Scale, plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        product = plain.conv(p, "conv", plain.sign(x + p["rsign.0.shift"]), 1, -1)
        if scale is Scale.CHANNEL:
            product = product * p["scale.channel"]
        if scale is Scale.RANK_ONE:
            product = torch.einsum("nchw,c,h,w->nchw", product, p["scale.channel"][:, 0, 0], p["scale.row"][:, 0], p["scale.column"])
        return plain.rprelu(p, "rprelu", plain.norm(p, "norm", product) + x)

    compare(ReActUnit(KEEP, config(), Shortcut.POOL_REAL, scale), formula, SHAPE)


def test_a_reactnet_a_block_that_keeps_its_width_has_a_skip_around_each_convolution(plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        product = plain.conv(p, "conv", plain.sign(x + p["rsign1.0.shift"]), 1, -1)
        hidden = plain.rprelu(p, "rprelu1", plain.norm(p, "norm", product) + x)
        wide = plain.norm(p, "branches.0.1", plain.conv(p, "branches.0.0", plain.sign(hidden + p["rsign2.0.shift"])))
        return plain.rprelu(p, "rprelu2", wide + hidden)

    compare(ReActNetABlock(KEEP, config()), formula, SHAPE)


def test_a_reactnet_a_block_doubles_its_width_by_two_branches_behind_one_sign(plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        product = plain.conv(p, "conv", plain.sign(x + p["rsign1.0.shift"]), 2, -1)
        hidden = plain.rprelu(p, "rprelu1", plain.norm(p, "norm", product) + plain.average(x))
        signs = plain.sign(hidden + p["rsign2.0.shift"])
        branches = [plain.norm(p, f"branches.{i}.1", plain.conv(p, f"branches.{i}.0", signs)) + hidden for i in range(2)]
        return plain.rprelu(p, "rprelu2", torch.cat(branches, 1))

    compare(ReActNetABlock(HALVE, config()), formula, SHAPE)


@pytest.mark.parametrize("side", range(1, 10))
def test_the_average_of_an_odd_image_is_as_large_as_a_strided_convolution_and_counts_only_pixels(side: int) -> None:
    image = torch.arange(1.0, side + 1).reshape(1, 1, 1, side).expand(1, 1, side, side)
    pooled = average(2)(image)
    assert pooled.shape == torch.nn.Conv2d(1, 1, 3, 2, 1)(image).shape
    wanted = [image[0, 0, 0, i : i + 2].mean() for i in range(0, side, 2)]
    assert torch.equal(pooled[0, 0, 0], torch.stack(wanted))
