"""The binary basic blocks with one skip around two convolutions: BNN's and XNOR-Net's."""

from __future__ import annotations

from torch import Tensor, nn

from xnorflow.models.blocks.binary_conv import binary_conv
from xnorflow.models.blocks.shortcut import Shortcut, shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation, Network


class BnnBlock(nn.Module):
    """``bn(conv(sign(bn(conv(sign(x)))))) + skip(x)`` (Hubara et al. 2016, in a ResNet).

    The hard tanh of the original stands in front of each sign, where its gradient is the clip of the straight-through estimator.

    Args:
        site: shape.
        config: of the network.
        kind: the skip path where the shape changes.
    """

    def __init__(self, site: Site, config: ModelConfig, kind: Shortcut) -> None:
        super().__init__()
        self.body = Network(
            Activation(bits=config.act_bits),
            binary_conv(site, config),
            nn.BatchNorm2d(site.outputs),
            Activation(bits=config.act_bits),
            binary_conv(site.next(), config),
            nn.BatchNorm2d(site.outputs),
        )
        self.shortcut = shortcut(kind, site, config)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        out: Tensor = self.body(x) + self.shortcut(x)
        return out


class XnorBlock(nn.Module):
    """``conv(sign(bn(conv(sign(bn(x)))))) + skip(x)``: batch norm first (Rastegari et al. 2016, figure 3), in a ResNet.

    The weights' scale is the quantiser's (mean magnitude); the activations' scale K is dropped, as is usual.

    Args:
        site: shape.
        config: of the network.
        kind: the skip path where the shape changes.
    """

    def __init__(self, site: Site, config: ModelConfig, kind: Shortcut) -> None:
        super().__init__()
        self.body = Network(
            nn.BatchNorm2d(site.inputs),
            Activation(bits=config.act_bits),
            binary_conv(site, config),
            nn.BatchNorm2d(site.outputs),
            Activation(bits=config.act_bits),
            binary_conv(site.next(), config),
        )
        self.shortcut = shortcut(kind, site, config)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        out: Tensor = self.body(x) + self.shortcut(x)
        return out
