"""The real-valued block of wide ResNets."""

from __future__ import annotations

from torch import Tensor, nn

from xnorflow.models.blocks.site import Site


class PreactivationBlock(nn.Module):
    """``a = relu(bn1(x))``, ``conv2(relu(bn2(conv1(a)))) + skip`` (Zagoruyko and Komodakis 2016).

    The skip is ``x`` where the shape stays, else a 1x1 convolution of ``a``.

    Args:
        site: shape.
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(site.inputs)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(site.inputs, site.outputs, 3, site.stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(site.outputs)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(site.outputs, site.outputs, 3, 1, 1, bias=False)
        self.shortcut = None if site.keeps_shape else nn.Conv2d(site.inputs, site.outputs, 1, site.stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the site's output shape."""
        active = self.relu1(self.norm1(x))
        inner: Tensor = self.conv2(self.relu2(self.norm2(self.conv1(active))))
        return inner + (x if self.shortcut is None else self.shortcut(active))
