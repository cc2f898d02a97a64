"""The real-valued ResNets the binary ones are distilled from and compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from xnorflow.models.blocks.shortcut import Shortcut
from xnorflow.models.blocks.standard import StandardBlock
from xnorflow.models.blocks.stem import Stem, resnet_stem
from xnorflow.models.config import ModelConfig
from xnorflow.models.options import with_options
from xnorflow.models.registry import Architecture, register
from xnorflow.models.residual import RESNET18, RESNET20, RESNET34, ResNetPlan, residual_network


@dataclass(frozen=True)
class ResNetOptions:
    """Switches: the first layers, and the skip path where the shape changes."""

    stem: Stem = Stem.AUTO
    shortcut: Shortcut = Shortcut.STRIDE_REAL


def _resnet(config: ModelConfig, *, plan: ResNetPlan, defaults: ResNetOptions) -> nn.Module:
    options = with_options(defaults, config.options, config.name)
    return residual_network(
        config,
        plan,
        stem=resnet_stem(options.stem, config, config.channels(plan.widths[0]), nn.ReLU()),
        block=lambda site: StandardBlock(site, config, options.shortcut),
    )


def _register(name: str, plan: ResNetPlan, image: int, defaults: ResNetOptions) -> None:
    register(
        Architecture(
            name=name,
            summary=f"real-valued {name.replace('resnet', 'ResNet')}: no binary layer; a teacher and a yardstick",
            build=partial(_resnet, plan=plan, defaults=defaults),
            input_bits=8,
            input_shape=(3, image, image),
            options=defaults,
        )
    )


_register("resnet-18", RESNET18, 224, ResNetOptions())
_register("resnet-34", RESNET34, 224, ResNetOptions())
_register("resnet-20", RESNET20, 32, ResNetOptions(Stem.CIFAR, Shortcut.PAD))
