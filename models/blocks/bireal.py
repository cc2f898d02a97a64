"""Bi-Real Net's unit."""

from __future__ import annotations

from torch import Tensor, nn

from xnorflow.models.blocks.binary_conv import binary_conv
from xnorflow.models.blocks.shortcut import Shortcut, shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation


class BiRealUnit(nn.Module):
    """A skip around every convolution: ``bn(conv(sign(x))) + skip(x)`` (Liu et al. 2018).

    Args:
        site: shape.
        config: of the network.
        kind: the skip path where the shape changes.
    """

    def __init__(self, site: Site, config: ModelConfig, kind: Shortcut) -> None:
        super().__init__()
        self.sign = Activation(bits=config.act_bits)
        self.conv = binary_conv(site, config)
        self.norm = nn.BatchNorm2d(site.outputs)
        self.shortcut = shortcut(kind, site, config)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        out: Tensor = self.norm(self.conv(self.sign(x))) + self.shortcut(x)
        return out
