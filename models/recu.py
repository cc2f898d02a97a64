"""ReCU's ResNets: saturated units with learned output factors; the binariser of the weights is the training's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from xnorflow.models.blocks.recu import ReCUUnit
from xnorflow.models.blocks.shortcut import Shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.blocks.stem import Stem, resnet_stem
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Network
from xnorflow.models.options import with_options
from xnorflow.models.registry import Architecture, register
from xnorflow.models.residual import RESNET18, RESNET34, ResNetPlan, residual_network

# Factor of every batch norm before training, which so begins at the identity.
NORM_START = 1e-8


@dataclass(frozen=True)
class ReCUOptions:
    """Switches: the first layers, and the skip path where the shape changes."""

    stem: Stem = Stem.AUTO
    shortcut: Shortcut = Shortcut.STRIDE_REAL


def _recu(config: ModelConfig, *, plan: ResNetPlan) -> nn.Module:
    options = with_options(ReCUOptions(), config.options, config.name)

    def block(site: Site) -> nn.Module:
        return Network(ReCUUnit(site, config, options.shortcut), ReCUUnit(site.next(), config, options.shortcut))

    network = residual_network(
        config,
        plan,
        stem=resnet_stem(options.stem, config, config.channels(plan.widths[0]), nn.Hardtanh()),
        block=block,
        before_fc=nn.BatchNorm1d(config.channels(plan.widths[-1])),
    )
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.constant_(layer.weight, NORM_START)
    return network


for _size, _plan in ((18, RESNET18), (34, RESNET34)):
    register(
        Architecture(
            name=f"recu-{_size}",
            summary=f"ReCU in ResNet-{_size}'s plan: a saturated skip around every binary convolution, learned output factors",
            build=partial(_recu, plan=_plan),
            input_bits=8,
            input_shape=(3, 224, 224),
            options=ReCUOptions(),
        )
    )
