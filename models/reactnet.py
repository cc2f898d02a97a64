"""ReActNet: Bi-Real ResNets with learned shifts, and ReActNet-A in MobileNet's plan."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from torch import nn

from xnorflow.models.blocks.react import ReActNetABlock, ReActUnit
from xnorflow.models.blocks.scales import Scale
from xnorflow.models.blocks.shortcut import Shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.blocks.stem import Stem, mobile_stem, resnet_stem
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Network
from xnorflow.models.options import with_options
from xnorflow.models.registry import Architecture, register
from xnorflow.models.residual import RESNET18, RESNET20, RESNET34, ResNetPlan, check_real_input, head, mobile_sites, residual_network

# Width behind the stem, and behind each block; a block whose width doubles, but for the first, halves the image.
REACTNET_A = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


@dataclass(frozen=True)
class ReActOptions:
    """Switches: the first layers, the skip path where the shape changes, learned factors behind the convolutions."""

    stem: Stem = Stem.AUTO
    shortcut: Shortcut = Shortcut.POOL_REAL
    scale: Scale = Scale.NONE


@dataclass(frozen=True)
class ReActNetAOptions:
    """Switches: the first layer."""

    stem: Stem = Stem.AUTO


def _react_resnet(config: ModelConfig, *, plan: ResNetPlan, defaults: ReActOptions) -> nn.Module:
    options = with_options(defaults, config.options, config.name)

    def unit(site: Site) -> nn.Module:
        return ReActUnit(site, config, options.shortcut, options.scale)

    return residual_network(
        config,
        plan,
        stem=resnet_stem(options.stem, config, config.channels(plan.widths[0])),
        block=lambda site: Network(unit(site), unit(site.next())),
    )


def _reactnet_a(config: ModelConfig) -> nn.Module:
    check_real_input(config)
    options = with_options(ReActNetAOptions(), config.options, config.name)
    stem, stride = mobile_stem(options.stem, config, config.channels(REACTNET_A[0]))
    sites = mobile_sites(config, REACTNET_A, stride)
    body = Network(*(ReActNetABlock(site, config) for site in sites))
    return Network(OrderedDict(stem=stem, body=body, head=head(config, sites[-1].outputs)))


def _register(size: int, plan: ResNetPlan, image: int, summary: str, defaults: ReActOptions) -> None:
    register(
        Architecture(
            name=f"reactnet-{size}",
            summary=summary,
            build=partial(_react_resnet, plan=plan, defaults=defaults),
            input_bits=8,
            input_shape=(3, image, image),
            options=defaults,
        )
    )


_register(18, RESNET18, 224, "ReActNet in ResNet-18's plan: learned shifts around every sign and activation", ReActOptions())
_register(34, RESNET34, 224, "ReActNet in ResNet-34's plan: learned shifts around every sign and activation", ReActOptions())
_register(
    20,
    RESNET20,
    32,
    "BNEW's ResNet-20: ReActNet's unit with one learned factor per channel behind every convolution",
    ReActOptions(Stem.CIFAR, Shortcut.POOL_REAL, Scale.CHANNEL),
)
register(
    Architecture(
        name="reactnet-a",
        summary="ReActNet-A: MobileNet's plan, 13 blocks of a 3x3 and a 1x1 binary convolution",
        build=_reactnet_a,
        input_bits=8,
        input_shape=(3, 224, 224),
        options=ReActNetAOptions(),
    )
)
