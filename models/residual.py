"""The skeleton of the residual networks: stem, stages of units, average, classifier."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Network

PIXEL_BITS = 8


@dataclass(frozen=True)
class ResNetPlan:
    """Stages of a residual network.

    Attributes:
        widths: channels of each stage; the first is also the stem's. Every stage but the first halves the image.
        blocks: blocks of each stage.
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]


RESNET18 = ResNetPlan((64, 128, 256, 512), (2, 2, 2, 2))
RESNET34 = ResNetPlan((64, 128, 256, 512), (3, 4, 6, 3))
RESNET20 = ResNetPlan((16, 32, 64), (3, 3, 3))


def residual_network(
    config: ModelConfig,
    plan: ResNetPlan,
    *,
    stem: tuple[Network, int],
    block: Callable[[Site], nn.Module],
    before_pool: nn.Module | None = None,
    before_fc: nn.Module | None = None,
) -> Network:
    """Put a residual network together: children ``stem``, ``stage1`` and so on (children: blocks), ``head``.

    Args:
        config: what is asked for.
        plan: stages; widths are scaled by the configuration.
        stem: first layers and their stride.
        block: makes the block for a site.
        before_pool: layer in front of the global average, if any; takes NCHW.
        before_fc: layer in front of the classifier, if any; takes ``(N, C)``.
    """
    layers, stride = stem
    check_real_input(config)
    height, width = (_divided(side, stride) for side in config.input_shape[1:])
    network: OrderedDict[str, nn.Module] = OrderedDict(stem=layers)
    channels = config.channels(plan.widths[0])
    for index, (base, count) in enumerate(zip(plan.widths, plan.blocks, strict=True)):
        stride = 2 if index else 1
        height, width = _divided(height, stride), _divided(width, stride)
        site = Site(channels, config.channels(base), stride, height, width)
        blocks = [block(site), *(block(site.next()) for _ in range(count - 1))]
        network[f"stage{index + 1}"] = Network(*blocks)
        channels = site.outputs
    network["head"] = head(config, channels, before_pool=before_pool, before_fc=before_fc)
    return Network(network)


def mobile_sites(config: ModelConfig, widths: tuple[int, ...], stride: int) -> tuple[Site, ...]:
    """The blocks of a network in MobileNet's plan: strides of 2 where the width doubles, but for the first block.

    Args:
        config: what is asked for; it scales the widths.
        widths: behind the stem, then behind each block; each is the one before or twice that.
        stride: of the stem.

    Raises:
        BadInputError: the scaled widths no longer double.
    """
    height, width = (_divided(side, stride) for side in config.input_shape[1:])
    sites: list[Site] = []
    for before, after in pairwise(widths):
        step = 2 if after != before and sites else 1
        height, width = _divided(height, step), _divided(width, step)
        site = Site(config.channels(before), config.channels(after), step, height, width)
        if site.outputs * before != site.inputs * after:
            raise BadInputError(f"model {config.name}: width {config.width} makes {before} to {after} channels {site.inputs} to {site.outputs}")
        sites.append(site)
    return tuple(sites)


def head(config: ModelConfig, channels: int, *, before_pool: nn.Module | None = None, before_fc: nn.Module | None = None) -> Network:
    """Global average and classifier with bias; NCHW to ``(N, classes)``. The arguments are those of :func:`residual_network`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if before_pool is not None:
        layers["activation"] = before_pool
    layers["pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    if before_fc is not None:
        layers["norm"] = before_fc
    layers["fc"] = nn.Linear(channels, config.num_classes)
    return Network(layers)


def check_real_input(config: ModelConfig) -> None:
    """Refuse settings that residual networks have no use for.

    Raises:
        BadInputError: the input is to be quantised to fewer bits than a pixel has, or dropout is asked for.
    """
    if config.input_bits != PIXEL_BITS:
        raise BadInputError(f"model {config.name}: {config.input_bits} input bits; its real-valued stem takes the {PIXEL_BITS} bits of the pixels")
    if config.dropout:
        raise BadInputError(f"model {config.name}: dropout {config.dropout}; it has no dropout")


def _divided(side: int, stride: int) -> int:
    return -(-side // stride)
