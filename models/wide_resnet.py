"""Wide ResNets: real-valued, the teacher of BNEW's ResNet-20."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from xnorflow.models.blocks.preactivation import PreactivationBlock
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Network
from xnorflow.models.registry import Architecture, register
from xnorflow.models.residual import RESNET20, residual_network


def _wide_resnet(config: ModelConfig) -> nn.Module:
    first, last = (config.channels(RESNET20.widths[end]) for end in (0, -1))
    # Units begin with a batch norm, so the stem has none and one stands behind the last.
    stem = Network(OrderedDict(conv=nn.Conv2d(config.input_shape[0], first, 3, 1, 1, bias=False)))
    return residual_network(
        config,
        RESNET20,
        stem=(stem, 1),
        block=PreactivationBlock,
        before_pool=Network(nn.BatchNorm2d(last), nn.ReLU()),
    )


register(
    Architecture(
        name="wide-resnet-22-1",
        summary="real-valued wide ResNet of 22 layers and width 1: no binary layer; the teacher of BNEW",
        build=_wide_resnet,
        input_bits=8,
        input_shape=(3, 32, 32),
    )
)
