"""ReActNet's units: the one of its ResNets and the two-stage block of ReActNet-A."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xnorflow.models.blocks.binary_conv import binary_conv
from xnorflow.models.blocks.channelwise import ChannelShift, RPReLU
from xnorflow.models.blocks.scales import Scale, scale_layer
from xnorflow.models.blocks.shortcut import Shortcut, average, shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation, Conv, Network


def rsign(channels: int, config: ModelConfig) -> Network:
    """ReActNet's RSign: a learned shift per channel, then the binary activation."""
    return Network(ChannelShift(channels), Activation(bits=config.act_bits))


class ReActUnit(nn.Module):
    """Bi-Real's unit with learned shifts: ``rprelu(bn(scale(conv(rsign(x)))) + skip(x))`` (Liu et al. 2020).

    Args:
        site: shape.
        config: of the network.
        kind: the skip path where the shape changes.
        scale: learned factors of the convolution's output; BNEW's ResNet-20 has one per channel.
    """

    def __init__(self, site: Site, config: ModelConfig, kind: Shortcut, scale: Scale = Scale.NONE) -> None:
        super().__init__()
        self.rsign = rsign(site.inputs, config)
        self.conv = binary_conv(site, config)
        self.scale = scale_layer(scale, site.outputs, site.height, site.width)
        self.norm = nn.BatchNorm2d(site.outputs)
        self.shortcut = shortcut(kind, site, config)
        self.rprelu = RPReLU(site.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        inner = self.norm(self.scale(self.conv(self.rsign(x))))
        out: Tensor = self.rprelu(inner + self.shortcut(x))
        return out


class ReActNetABlock(nn.Module):
    """A 3x3 and then a 1x1 convolution, each with its own skip, in MobileNet's plan (Liu et al. 2020, figure 5).

    ``h = rprelu1(bn1(conv3x3(rsign1(x))) + average(x))``. Where the width stays, ``rprelu2(bn2(conv1x1(rsign2(h))) + h)``; where it
    doubles, two 1x1 branches share ``rsign2``, each adds ``h``, and one RPReLU activates their concatenation.

    Args:
        site: shape; ``outputs`` is ``inputs`` or twice that.
        config: of the network.
    """

    def __init__(self, site: Site, config: ModelConfig) -> None:
        super().__init__()
        inputs, branches = site.inputs, site.outputs // site.inputs
        self.rsign1 = rsign(inputs, config)
        self.conv = binary_conv(Site(inputs, inputs, site.stride, site.height, site.width), config)
        self.norm = nn.BatchNorm2d(inputs)
        self.shortcut = average(site.stride)
        self.rprelu1 = RPReLU(inputs)
        self.rsign2 = rsign(inputs, config)
        self.branches = nn.ModuleList(Network(Conv(inputs, inputs, 1, bits=config.weight_bits), nn.BatchNorm2d(inputs)) for _ in range(branches))
        self.rprelu2 = RPReLU(site.outputs)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        hidden = self.rprelu1(self.norm(self.conv(self.rsign1(x))) + self.shortcut(x))
        signs = self.rsign2(hidden)
        wide = torch.cat([branch(signs) + hidden for branch in self.branches], 1)
        out: Tensor = self.rprelu2(wide)
        return out
