"""How the input of a residual unit reaches its output when the shape changes."""

from __future__ import annotations

from enum import StrEnum

from torch import Tensor, nn
from torch.nn import functional

from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation, Conv, Network


class Shortcut(StrEnum):
    """What stands on the skip path of a unit that changes shape; batch norms follow every 1x1 convolution.

    ``pool-real``: 2x2 average, real 1x1 (Bi-Real, ReActNet, Real-to-Binary's ``**``). ``pool-binary``: 2x2 average, sign, binary
    1x1. ``stride-real``: real 1x1 of stride 2 (ResNet, ReCU). ``stride-binary``: sign, binary 1x1 of stride 2 (BNN, XNOR-Net).
    ``pad``: every second pixel and zero channels, no parameters (ResNet's option A).
    """

    POOL_REAL = "pool-real"
    POOL_BINARY = "pool-binary"
    STRIDE_REAL = "stride-real"
    STRIDE_BINARY = "stride-binary"
    PAD = "pad"


class PadShortcut(nn.Module):
    """Every ``stride``-th pixel, and new channels that are zero, half of them on each side (He et al. 2016, option A).

    Args:
        inputs, outputs: channels.
        stride: pixels of the input per pixel of the output.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.front = (outputs - inputs) // 2
        self.back = outputs - inputs - self.front
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Subsample and widen NCHW."""
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.front, self.back))


def average(stride: int) -> nn.Module:
    """2x2 average of stride 2, or nothing for stride 1; an odd edge averages the pixels there are, as long as a strided convolution's."""
    return nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False) if stride == 2 else nn.Identity()


def shortcut(kind: Shortcut, site: Site, config: ModelConfig) -> nn.Module:
    """The skip path of a unit at ``site``; nothing where the shape stays.

    Args:
        kind: what to do where it changes.
        site: shape of the unit.
        config: bits of binary weights and activations.
    """
    if site.keeps_shape:
        return nn.Identity()
    norm = nn.BatchNorm2d(site.outputs)
    match kind:
        case Shortcut.POOL_REAL:
            return Network(average(site.stride), nn.Conv2d(site.inputs, site.outputs, 1, bias=False), norm)
        case Shortcut.POOL_BINARY:
            pointwise = Conv(site.inputs, site.outputs, 1, bits=config.weight_bits)
            return Network(average(site.stride), Activation(bits=config.act_bits), pointwise, norm)
        case Shortcut.STRIDE_REAL:
            return Network(nn.Conv2d(site.inputs, site.outputs, 1, site.stride, bias=False), norm)
        case Shortcut.STRIDE_BINARY:
            strided = Conv(site.inputs, site.outputs, 1, bits=config.weight_bits, stride=site.stride)
            return Network(Activation(bits=config.act_bits), strided, norm)
        case Shortcut.PAD:
            return PadShortcut(site.inputs, site.outputs, site.stride)
