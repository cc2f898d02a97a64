"""BNext: T, S, M and L in MobileNet's plan, and BNext-18 in ResNet-18's."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from torch import nn

from xnorflow.models.blocks.binary_conv import binary_conv
from xnorflow.models.blocks.bnext import BNextBlock, BNextUnit
from xnorflow.models.blocks.shortcut import Shortcut, average, shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.blocks.stem import Stem, mobile_stem, resnet_stem
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Conv, Network
from xnorflow.models.options import with_options
from xnorflow.models.registry import Architecture, register
from xnorflow.models.residual import RESNET18, ResNetPlan, check_real_input, head, mobile_sites, residual_network


class Attention(StrEnum):
    """Which convolutions have ELM-attention: blocks are counted in pairs, ``first`` and ``second``.

    ``second-3x3`` is the published code's (every other block); ``every-3x3`` is what the paper's text says.
    """

    NONE = "none"
    FIRST_3X3 = "first-3x3"
    FIRST_1X1 = "first-1x1"
    SECOND_3X3 = "second-3x3"
    SECOND_1X1 = "second-1x1"
    EVERY_3X3 = "every-3x3"

    def covers(self, block: int, kernel: int) -> bool:
        """Whether the convolution of this kernel in block number ``block`` (from 1) has it."""
        return self in (f"{'second' if block % 2 == 0 else 'first'}-{kernel}x{kernel}", f"every-{kernel}x{kernel}")


class Attention18(StrEnum):
    """Which of the two convolutions of a BNext-18 block have ELM-attention."""

    NONE = "none"
    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


@dataclass(frozen=True)
class BNextOptions:
    """Switches: the first layer, Info-RCP, and where ELM-attention is."""

    stem: Stem = Stem.AUTO
    info_rcp: bool = True
    attention: Attention = Attention.SECOND_3X3


@dataclass(frozen=True)
class BNext18Options:
    """Switches: the first layers, the skip path where the shape changes, Info-RCP, and where ELM-attention is."""

    stem: Stem = Stem.AUTO
    shortcut: Shortcut = Shortcut.POOL_REAL
    info_rcp: bool = True
    attention: Attention18 = Attention18.FIRST


def _plan(stem: int, repeats: tuple[int, ...]) -> tuple[int, ...]:
    """Widths behind the stem and behind each block: one block of twice the stem's, then stages that double again."""
    return (stem, 2 * stem, *(4 * stem * 2**stage for stage, count in enumerate(repeats) for _ in range(count)))


# Stem and blocks of the four stages; the ratios of the paper's table 1 count pairs of blocks.
PLANS = {
    "bnext-t": _plan(32, (2, 2, 6, 2)),
    "bnext-s": _plan(48, (2, 2, 6, 2)),
    "bnext-m": _plan(48, (4, 4, 8, 4)),
    "bnext-l": _plan(64, (4, 4, 16, 4)),
}


def _bnext(config: ModelConfig, *, widths: tuple[int, ...]) -> nn.Module:
    check_real_input(config)
    options = with_options(BNextOptions(), config.options, config.name)
    stem, stride = mobile_stem(options.stem, config, config.channels(widths[0]))
    sites = mobile_sites(config, widths, stride)
    body = Network(*(_block(site, number, config, options) for number, site in enumerate(sites, 1)))
    last = sites[-1].outputs
    return Network(OrderedDict(stem=stem, body=body, head=head(config, last, before_pool=nn.PReLU(last))))


def _block(site: Site, number: int, config: ModelConfig, options: BNextOptions) -> BNextBlock:
    inputs = site.inputs

    def unit(conv: Conv, stride: int) -> BNextUnit:
        covered = options.attention.covers(number, conv.kernel_size[0])
        return BNextUnit(conv, config, average(stride), attention=covered, info_rcp=options.info_rcp, mix_raw=True)

    spatial = unit(binary_conv(Site(inputs, inputs, site.stride, site.height, site.width), config), site.stride)
    return BNextBlock(spatial, [unit(Conv(inputs, inputs, 1, bits=config.weight_bits), 1) for _ in range(site.outputs // inputs)])


def _bnext18(config: ModelConfig, *, plan: ResNetPlan) -> nn.Module:
    options = with_options(BNext18Options(), config.options, config.name)

    def unit(site: Site, position: Attention18) -> nn.Module:
        covered = options.attention in (position, Attention18.BOTH)
        skip = shortcut(options.shortcut, site, config)
        return BNextUnit(binary_conv(site, config), config, skip, attention=covered, info_rcp=options.info_rcp, mix_raw=False)

    return residual_network(
        config,
        plan,
        stem=resnet_stem(options.stem, config, config.channels(plan.widths[0])),
        block=lambda site: Network(unit(site, Attention18.FIRST), unit(site.next(), Attention18.SECOND)),
        before_pool=nn.PReLU(config.channels(plan.widths[-1])),
    )


for _name, _widths in PLANS.items():
    register(
        Architecture(
            name=_name,
            summary=f"BNext-{_name[-1].upper()} in MobileNet's plan: {len(_widths) - 1} blocks, Info-RCP and ELM-attention",
            build=partial(_bnext, widths=_widths),
            input_bits=8,
            input_shape=(3, 224, 224),
            options=BNextOptions(),
        )
    )
register(
    Architecture(
        name="bnext-18",
        summary="BNext-18: ResNet-18's plan with Info-RCP and ELM-attention",
        build=partial(_bnext18, plan=RESNET18),
        input_bits=8,
        input_shape=(3, 224, 224),
        options=BNext18Options(),
    )
)
