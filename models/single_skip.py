"""BNN and XNOR-Net in ResNet's plan: one skip around two binary convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from xnorflow.models.blocks.shortcut import Shortcut
from xnorflow.models.blocks.single_skip import BnnBlock, XnorBlock
from xnorflow.models.blocks.stem import Stem, resnet_stem
from xnorflow.models.config import ModelConfig
from xnorflow.models.options import with_options
from xnorflow.models.registry import Architecture, register
from xnorflow.models.residual import RESNET18, RESNET20, ResNetPlan, residual_network

Block = type[BnnBlock] | type[XnorBlock]


@dataclass(frozen=True)
class SingleSkipOptions:
    """Switches: the first layers, and the skip path where the shape changes (binary in the papers, real as an option)."""

    stem: Stem = Stem.AUTO
    shortcut: Shortcut = Shortcut.STRIDE_BINARY


def _single_skip(config: ModelConfig, *, plan: ResNetPlan, block: Block, defaults: SingleSkipOptions) -> nn.Module:
    options = with_options(defaults, config.options, config.name)
    return residual_network(
        config,
        plan,
        stem=resnet_stem(options.stem, config, config.channels(plan.widths[0])),
        block=lambda site: block(site, config, options.shortcut),
    )


def _register(family: str, title: str, block: Block) -> None:
    for size, plan, image, defaults in (
        (18, RESNET18, 224, SingleSkipOptions()),
        (20, RESNET20, 32, SingleSkipOptions(Stem.CIFAR, Shortcut.PAD)),
    ):
        register(
            Architecture(
                name=f"{family}-resnet-{size}",
                summary=f"{title} in ResNet-{size}'s plan: one skip around two binary convolutions, real stem and classifier",
                build=partial(_single_skip, plan=plan, block=block, defaults=defaults),
                input_bits=8,
                input_shape=(3, image, image),
                options=defaults,
            )
        )


_register("bnn", "BNN", BnnBlock)
_register("xnor", "XNOR-Net", XnorBlock)
