"""ResNet's real-valued basic block."""

from __future__ import annotations

from torch import Tensor, nn

from xnorflow.models.blocks.shortcut import Shortcut, shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig


class StandardBlock(nn.Module):
    """Two 3x3 convolutions with one skip (He et al. 2016): ``relu(bn2(conv2(relu(bn1(conv1(x))))) + skip(x))``.

    Args:
        site: shape.
        config: of the network.
        kind: the skip path where the shape changes.
    """

    def __init__(self, site: Site, config: ModelConfig, kind: Shortcut) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(site.inputs, site.outputs, 3, site.stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(site.outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(site.outputs, site.outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(site.outputs)
        self.shortcut = shortcut(kind, site, config)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        inner = self.relu1(self.norm1(self.conv1(x)))
        out: Tensor = self.relu2(self.norm2(self.conv2(inner)) + self.shortcut(x))
        return out
