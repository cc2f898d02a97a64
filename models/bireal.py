"""Bi-Real Net: ResNets with a skip around every binary convolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from xnorflow.models.blocks.bireal import BiRealUnit
from xnorflow.models.blocks.shortcut import Shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.blocks.stem import Stem, resnet_stem
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Network
from xnorflow.models.options import with_options
from xnorflow.models.registry import Architecture, register
from xnorflow.models.residual import RESNET18, RESNET20, RESNET34, ResNetPlan, residual_network


@dataclass(frozen=True)
class BiRealOptions:
    """Switches: the first layers, and the skip path where the shape changes (``pool-binary``: the "double skip" network)."""

    stem: Stem = Stem.AUTO
    shortcut: Shortcut = Shortcut.POOL_REAL


def _bireal(config: ModelConfig, *, plan: ResNetPlan, defaults: BiRealOptions) -> nn.Module:
    options = with_options(defaults, config.options, config.name)

    def block(site: Site) -> nn.Module:
        return Network(BiRealUnit(site, config, options.shortcut), BiRealUnit(site.next(), config, options.shortcut))

    return residual_network(config, plan, stem=resnet_stem(options.stem, config, config.channels(plan.widths[0])), block=block)


def _register(size: int, plan: ResNetPlan, image: int, defaults: BiRealOptions) -> None:
    register(
        Architecture(
            name=f"bireal-{size}",
            summary=f"Bi-Real Net in ResNet-{size}'s plan: a skip around every binary convolution",
            build=partial(_bireal, plan=plan, defaults=defaults),
            input_bits=8,
            input_shape=(3, image, image),
            options=defaults,
        )
    )


_register(18, RESNET18, 224, BiRealOptions())
_register(34, RESNET34, 224, BiRealOptions())
_register(20, RESNET20, 32, BiRealOptions(Stem.CIFAR, Shortcut.PAD))
