"""Real-to-Binary's half-block."""

from __future__ import annotations

from torch import Tensor, nn

from xnorflow.models.blocks.binary_conv import binary_conv
from xnorflow.models.blocks.gate import Gate
from xnorflow.models.blocks.scales import Scale, scale_layer
from xnorflow.models.blocks.shortcut import Shortcut, shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation


class RealToBinaryUnit(nn.Module):
    """``h = bn(x)``, ``prelu(scale(conv(sign(h))) * gate(h)) + skip(x)`` (Martinez et al. 2020, figure 1).

    The gate looks at the real values that the sign throws away.

    Args:
        site: shape.
        config: of the network.
        kind: the skip path where the shape changes.
        gate: whether there is a gate.
        scale: learned factors of the convolution's output.
    """

    def __init__(self, site: Site, config: ModelConfig, kind: Shortcut, *, gate: bool, scale: Scale) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(site.inputs)
        self.sign = Activation(bits=config.act_bits)
        self.conv = binary_conv(site, config)
        self.scale = scale_layer(scale, site.outputs, site.height, site.width)
        self.gate = Gate(site.inputs, site.outputs) if gate else None
        self.prelu = nn.PReLU(site.outputs)
        self.shortcut = shortcut(kind, site, config)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        real = self.norm(x)
        product = self.scale(self.conv(self.sign(real)))
        if self.gate is not None:
            product = product * self.gate(real)
        out: Tensor = self.prelu(product) + self.shortcut(x)
        return out
