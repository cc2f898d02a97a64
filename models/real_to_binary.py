"""Real-to-Binary networks: the full one, whose factors are computed from the image, and the strong baseline, whose are learned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from xnorflow.models.blocks.real_to_binary import RealToBinaryUnit
from xnorflow.models.blocks.scales import Scale
from xnorflow.models.blocks.shortcut import Shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.blocks.stem import Stem, resnet_stem
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Network
from xnorflow.models.options import with_options
from xnorflow.models.registry import Architecture, register
from xnorflow.models.residual import RESNET18, ResNetPlan, residual_network


@dataclass(frozen=True)
class RealToBinaryOptions:
    """Switches: the first layers, the skip path (``pool-real`` is the paper's ``**``), the gate, learned factors."""

    stem: Stem = Stem.AUTO
    shortcut: Shortcut = Shortcut.POOL_REAL
    gate: bool = True
    scale: Scale = Scale.NONE


def _real_to_binary(config: ModelConfig, *, plan: ResNetPlan, defaults: RealToBinaryOptions) -> nn.Module:
    options = with_options(defaults, config.options, config.name)
    channels = config.channels(plan.widths[0])

    def unit(site: Site) -> nn.Module:
        return RealToBinaryUnit(site, config, options.shortcut, gate=options.gate, scale=options.scale)

    return residual_network(
        config,
        plan,
        stem=resnet_stem(options.stem, config, channels, nn.PReLU(channels)),
        block=lambda site: Network(unit(site), unit(site.next())),
    )


for _name, _summary, _defaults in (
    ("real-to-binary-18", "Real-to-Binary in ResNet-18's plan: gates compute each channel's factor", RealToBinaryOptions()),
    (
        "real-to-binary-18-baseline",
        "Real-to-Binary's strong baseline in ResNet-18's plan: learned factors, no gates",
        RealToBinaryOptions(gate=False, scale=Scale.CHANNEL),
    ),
):
    register(
        Architecture(
            name=_name,
            summary=_summary,
            build=partial(_real_to_binary, plan=RESNET18, defaults=_defaults),
            input_bits=8,
            input_shape=(3, 224, 224),
            options=_defaults,
        )
    )
