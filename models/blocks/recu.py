"""ReCU's unit."""

from __future__ import annotations

from torch import Tensor, nn

from xnorflow.models.blocks.binary_conv import binary_conv
from xnorflow.models.blocks.scales import ChannelFactor
from xnorflow.models.blocks.shortcut import Shortcut, shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation


class ReCUUnit(nn.Module):
    """A skip around every convolution, saturated: ``hardtanh(bn(factor * conv(sign(x))) + skip(x))`` (Xu et al. 2021).

    The factors are learned, one a channel, and start uniform in [0, 1).

    Args:
        site: shape.
        config: of the network.
        kind: the skip path where the shape changes.
    """

    def __init__(self, site: Site, config: ModelConfig, kind: Shortcut) -> None:
        super().__init__()
        self.sign = Activation(bits=config.act_bits)
        self.conv = binary_conv(site, config)
        self.factor = ChannelFactor(site.outputs)
        self.norm = nn.BatchNorm2d(site.outputs)
        self.shortcut = shortcut(kind, site, config)
        self.saturate = nn.Hardtanh()
        nn.init.uniform_(self.factor.channel)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        inner = self.norm(self.factor(self.conv(self.sign(x))))
        out: Tensor = self.saturate(inner + self.shortcut(x))
        return out
