"""The real-valued first layers of the residual networks."""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum

from torch import nn

from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Network

LARGEST_SMALL = 64


class Stem(StrEnum):
    """The first layers: those for ImageNet, those for CIFAR, or (``auto``) CIFAR's up to 64 pixels a side."""

    AUTO = "auto"
    IMAGENET = "imagenet"
    CIFAR = "cifar"

    def large(self, config: ModelConfig) -> bool:
        """Whether these are the layers for ImageNet."""
        if self is Stem.AUTO:
            return max(config.input_shape[1:]) > LARGEST_SMALL
        return self is Stem.IMAGENET


def resnet_stem(kind: Stem, config: ModelConfig, channels: int, activation: nn.Module | None = None) -> tuple[Network, int]:
    """ResNet's stem and its stride: 7x7 of stride 2, batch norm, 3x3 max-pool of stride 2; for small images 3x3 and batch norm.

    Args:
        kind: which of the two.
        config: gives the channels and the size of the image.
        channels: that come out.
        activation: stands behind the batch norm.
    """
    large = kind.large(config)
    inputs = config.input_shape[0]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(inputs, channels, 7, 2, 3, bias=False) if large else nn.Conv2d(inputs, channels, 3, 1, 1, bias=False)
    layers["norm"] = nn.BatchNorm2d(channels)
    if activation is not None:
        layers["activation"] = activation
    if large:
        layers["pool"] = nn.MaxPool2d(3, 2, 1)
    return Network(layers), 4 if large else 1


def mobile_stem(kind: Stem, config: ModelConfig, channels: int) -> tuple[Network, int]:
    """MobileNet's stem and its stride, as ReActNet-A and BNext have it: 3x3 of stride 2 (1 for small images), batch norm."""
    stride = 2 if kind.large(config) else 1
    conv = nn.Conv2d(config.input_shape[0], channels, 3, stride, 1, bias=False)
    return Network(OrderedDict(conv=conv, norm=nn.BatchNorm2d(channels))), stride
