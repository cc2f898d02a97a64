"""BNext's blocks: convolutions with Info-RCP and element-wise attention around them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xnorflow.models.blocks.gate import SqueezeExcite
from xnorflow.models.blocks.react import rsign
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Conv

MIX_START = 0.5


class Mix(nn.Module):
    """``k * skip + (1 - k) * branch`` with one learned ``k`` per channel, kept within [0, 1] at every training step.

    Args:
        channels: of both float32 NCHW inputs.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.full((channels, 1, 1), MIX_START))

    def forward(self, skip: Tensor, branch: Tensor) -> Tensor:
        """The mixture."""
        if self.training:
            with torch.no_grad():
                self.share.clamp_(0.0, 1.0)
        return self.share * skip + (1 - self.share) * branch


class InfoRCP(nn.Module):
    """Information recoupling: the branch times factors that squeeze-and-excite finds in a mixture of skip and branch.

    Args:
        channels: of both float32 NCHW inputs.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = Mix(channels)
        self.attention = SqueezeExcite(channels)

    def forward(self, skip: Tensor, branch: Tensor) -> Tensor:
        """``attention(mix(skip, branch)) * branch``."""
        factors: Tensor = self.attention(self.mix(skip, branch))
        return factors * branch


class BNextUnit(nn.Module):
    """One binary convolution of BNext and what surrounds it (Guo et al. 2023, figure 4; both kinds).

    With ELM-attention, ``r = skip(prelu(x))`` and ``out = bn2(rcp(s, y) * r) + r``; without it, ``r = skip(x)`` and
    ``out = bn2(rcp(s, y)) + r``. Here ``y = prelu(bn1(conv(sign(x + shift))))`` and ``s`` is ``skip(x)``, or ``r`` where the skip path
    changes the channels (BNext-18). Without Info-RCP ``rcp(s, y) = y``, and without both there is no second batch norm.

    Args:
        conv: the slot.
        config: of the network.
        skip: the path around the convolution, to the shape of its output.
        attention: whether there is ELM-attention.
        info_rcp: whether there is Info-RCP.
        mix_raw: whether Info-RCP mixes in ``skip(x)`` rather than ``r``.
    """

    def __init__(self, conv: Conv, config: ModelConfig, skip: nn.Module, *, attention: bool, info_rcp: bool, mix_raw: bool) -> None:
        super().__init__()
        self.mix_raw = mix_raw
        self.activation = nn.PReLU(conv.in_channels) if attention else None
        self.shortcut = skip
        self.rsign = rsign(conv.in_channels, config)
        self.conv = conv
        self.norm1 = nn.BatchNorm2d(conv.out_channels)
        self.prelu = nn.PReLU(conv.out_channels)
        self.info_rcp = InfoRCP(conv.out_channels) if info_rcp else None
        self.norm2 = nn.BatchNorm2d(conv.out_channels) if attention or info_rcp else None

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the convolution's output shape."""
        residual = self.shortcut(x if self.activation is None else self.activation(x))
        branch = self.prelu(self.norm1(self.conv(self.rsign(x))))
        if self.info_rcp is not None:
            raw = self.mix_raw and self.activation is not None
            branch = self.info_rcp(self.shortcut(x) if raw else residual, branch)
        if self.activation is not None:
            branch = branch * residual
        if self.norm2 is not None:
            branch = self.norm2(branch)
        out: Tensor = branch + residual
        return out


class BNextBlock(nn.Module):
    """A 3x3 unit, then a 1x1 unit; where the width doubles, two 1x1 units side by side (MobileNet's plan).

    Args:
        spatial: the 3x3 unit.
        pointwise: the 1x1 units, all reading its output.
    """

    def __init__(self, spatial: BNextUnit, pointwise: list[BNextUnit]) -> None:
        super().__init__()
        self.spatial = spatial
        self.pointwise = nn.ModuleList(pointwise)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to NCHW of the block's output shape."""
        hidden = self.spatial(x)
        return torch.cat([unit(hidden) for unit in self.pointwise], 1)
