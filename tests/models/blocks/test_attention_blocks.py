from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from xnorflow.models import ModelConfig, build
from xnorflow.models.blocks.binary_conv import binary_conv
from xnorflow.models.blocks.bnext import BNextBlock, BNextUnit, Mix
from xnorflow.models.blocks.real_to_binary import RealToBinaryUnit
from xnorflow.models.blocks.scales import Scale
from xnorflow.models.blocks.shortcut import Shortcut, average, shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.bnext import Attention

KEEP = Site(32, 32, 1, 6, 6)
HALVE = Site(32, 64, 2, 3, 3)
NARROW = Site(32, 32, 2, 3, 3)
SHAPE = (2, 32, 6, 6)
CONFIG = ModelConfig(name="test", input_shape=(3, 6, 6), num_classes=2, padding_value=-1)
Compare = Callable[..., None]
Values = dict[str, Tensor]


def gate(p: Values, x: Tensor) -> Tensor:
    """Two matrix products on the channel means, without biases."""
    hidden = torch.einsum("nc,hc->nh", x.mean((2, 3)), p["gate.squeeze.weight"]).clamp(min=0)
    logits = torch.einsum("nh,oh->no", hidden, p["gate.excite.weight"])
    return ((1 + torch.tanh(logits / 2)) / 2)[:, :, None, None]


def recouple(p: Values, prefix: str, skip: Tensor, branch: Tensor) -> Tensor:
    """Info-RCP of the branch."""
    share = p[f"{prefix}info_rcp.mix.share"]
    means = (share * skip + (1 - share) * branch).mean((2, 3))
    weight1, bias1 = p[f"{prefix}info_rcp.attention.squeeze.weight"][:, :, 0, 0], p[f"{prefix}info_rcp.attention.squeeze.bias"]
    weight2, bias2 = p[f"{prefix}info_rcp.attention.excite.weight"][:, :, 0, 0], p[f"{prefix}info_rcp.attention.excite.bias"]
    logits = ((means @ weight1.T + bias1).clamp(min=0)) @ weight2.T + bias2
    return branch * ((1 + torch.tanh(logits / 2)) / 2)[:, :, None, None]


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("scale", [Scale.NONE, Scale.CHANNEL])
def test_a_real_to_binary_unit_gates_with_the_normalised_real_values(gated: bool, scale: Scale, plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        real = plain.norm(p, "norm", x)
        product = plain.conv(p, "conv", plain.sign(real), 2, -1)
        if scale is Scale.CHANNEL:
            product = product * p["scale.channel"]
        if gated:
            product = product * gate(p, real)
        skip = plain.norm(p, "shortcut.2", plain.real_pointwise(p, "shortcut.1", plain.average(x)))
        return plain.prelu(p, "prelu", product) + skip

    compare(RealToBinaryUnit(HALVE, CONFIG, Shortcut.POOL_REAL, gate=gated, scale=scale), formula, SHAPE)


def branch_of(plain: SimpleNamespace, p: Values, prefix: str, x: Tensor, stride: int, border: int = -1) -> Any:
    product = plain.conv(p, f"{prefix}conv", plain.sign(x + p[f"{prefix}rsign.0.shift"]), stride, border)
    return plain.prelu(p, f"{prefix}prelu", plain.norm(p, f"{prefix}norm1", product))


def test_a_bnext_unit_with_attention_multiplies_by_the_activated_skip_and_mixes_in_the_raw_one(plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        residual = plain.average(plain.prelu(p, "activation", x))
        recoupled = recouple(p, "", plain.average(x), branch_of(plain, p, "", x, 2))
        return plain.norm(p, "norm2", recoupled * residual) + residual

    unit = BNextUnit(binary_conv(NARROW, CONFIG), CONFIG, average(2), attention=True, info_rcp=True, mix_raw=True)
    compare(unit, formula, SHAPE)


def test_a_bnext_unit_without_attention_keeps_the_skip_as_it_is(plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        return plain.norm(p, "norm2", recouple(p, "", x, branch_of(plain, p, "", x, 1))) + x

    unit = BNextUnit(binary_conv(KEEP, CONFIG), CONFIG, nn.Identity(), attention=False, info_rcp=True, mix_raw=True)
    compare(unit, formula, SHAPE)


def test_without_info_rcp_only_attention_keeps_the_second_norm(plain: SimpleNamespace, compare: Compare) -> None:
    def with_attention(p: Values, x: Tensor) -> Any:
        residual = plain.prelu(p, "activation", x)
        return plain.norm(p, "norm2", branch_of(plain, p, "", x, 1) * residual) + residual

    def without(p: Values, x: Tensor) -> Any:
        return branch_of(plain, p, "", x, 1) + x

    for attention, formula in ((True, with_attention), (False, without)):
        unit = BNextUnit(binary_conv(KEEP, CONFIG), CONFIG, nn.Identity(), attention=attention, info_rcp=False, mix_raw=True)
        compare(unit, formula, SHAPE)


def test_a_bnext_18_unit_that_changes_shape_mixes_in_the_downsampled_activated_skip(plain: SimpleNamespace, compare: Compare) -> None:
    def formula(p: Values, x: Tensor) -> Any:
        pooled = plain.average(plain.prelu(p, "activation", x))
        residual = plain.norm(p, "shortcut.2", plain.real_pointwise(p, "shortcut.1", pooled))
        return plain.norm(p, "norm2", recouple(p, "", residual, branch_of(plain, p, "", x, 2)) * residual) + residual

    skip = shortcut(Shortcut.POOL_REAL, HALVE, CONFIG)
    compare(BNextUnit(binary_conv(HALVE, CONFIG), CONFIG, skip, attention=True, info_rcp=True, mix_raw=False), formula, SHAPE)


def test_a_bnext_block_that_doubles_its_width_concatenates_two_pointwise_units_of_one_input(plain: SimpleNamespace, compare: Compare) -> None:
    def unit(kernel_site: Site, kernel: int) -> BNextUnit:
        conv = binary_conv(kernel_site, CONFIG) if kernel == 3 else type(binary_conv(KEEP, CONFIG))(32, 32, 1, bits=1)
        return BNextUnit(conv, CONFIG, average(kernel_site.stride), attention=False, info_rcp=True, mix_raw=True)

    def formula(p: Values, x: Tensor) -> Any:
        skip = plain.average(x)
        hidden = plain.norm(p, "spatial.norm2", recouple(p, "spatial.", skip, branch_of(plain, p, "spatial.", x, 2))) + skip
        halves = []
        for name in ("pointwise.0.", "pointwise.1."):
            recoupled = recouple(p, name, hidden, branch_of(plain, p, name, hidden, 1))
            halves.append(plain.norm(p, f"{name}norm2", recoupled) + hidden)
        return torch.cat(halves, 1)

    compare(BNextBlock(unit(NARROW, 3), [unit(KEEP, 1), unit(KEEP, 1)]), formula, SHAPE)


def test_the_share_of_the_mixture_stays_within_zero_and_one_in_training_only() -> None:
    mix = Mix(2)
    assert mix.share.flatten().tolist() == [0.5, 0.5]
    with torch.no_grad():
        mix.share.copy_(torch.tensor([-0.25, 1.5]).reshape(2, 1, 1))
    skip, branch = torch.ones(1, 2, 1, 1), torch.zeros(1, 2, 1, 1)
    assert mix.eval()(skip, branch).flatten().tolist() == [-0.25, 1.5]
    assert mix.train()(skip, branch).flatten().tolist() == [0.0, 1.0]
    assert mix.share.flatten().tolist() == [0.0, 1.0]


def test_attention_stands_where_the_published_code_has_it_and_where_it_is_put() -> None:
    def covered(attention: str) -> list[tuple[int, str]]:
        with torch.device("meta"):
            network = build("bnext-t", input_shape=(3, 32, 32), num_classes=10, width=0.25, options=[f"attention={attention}"])
        found = []
        for name, unit in network.named_modules():
            if isinstance(unit, BNextUnit) and unit.activation is not None:
                _, block, kind, *_ = name.split(".")
                found.append((int(block) + 1, kind))
        return found

    evens, odds = range(2, 14, 2), range(1, 14, 2)
    assert covered("second-3x3") == [(block, "spatial") for block in evens]
    assert covered("first-3x3") == [(block, "spatial") for block in odds]
    assert covered("every-3x3") == [(block, "spatial") for block in range(1, 14)]
    assert covered("none") == []
    assert {block for block, _ in covered("first-1x1")} == set(odds)
    assert {kind for _, kind in covered("second-1x1")} == {"pointwise"}
    assert Attention("second-3x3") is Attention.SECOND_3X3
