"""VGG-small, the CIFAR-10 network of the binary literature: 8-bit stem, five binary convolutions, one 8-bit classifier."""

from __future__ import annotations

from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation, Conv, Dense, InputQuant, Network, ScalarNorm
from xnorflow.models.registry import Architecture, register

EDGE_BITS = 8
STEM = 128
# Channels, and whether a 2x2 max-pool stands between the convolution and its batch norm.
PLAN = ((128, True), (256, False), (256, True), (512, False), (512, True))
POOLED = 2 ** sum(pooled for _, pooled in PLAN)


def _vgg_small(config: ModelConfig) -> nn.Module:
    channels, height, width = config.input_shape
    if height < POOLED or width < POOLED:
        raise BadInputError(f"model {config.name}: an image of {height}x{width} is too small; three 2x2 pools take {POOLED}x{POOLED} and up")
    out = config.channels(STEM)
    layers: list[nn.Module] = [
        InputQuant(bits=config.input_bits),
        Conv(channels, out, 3, bits=EDGE_BITS, padding=1, padding_value=0),
        nn.BatchNorm2d(out),
        Activation(bits=config.act_bits),
    ]
    channels = out
    for base, pooled in PLAN:
        out = config.channels(base)
        layers.append(Conv(channels, out, 3, bits=config.weight_bits, padding=1, padding_value=config.padding_value))
        if pooled:
            layers.append(nn.MaxPool2d(2))
        layers += [nn.BatchNorm2d(out), Activation(bits=config.act_bits)]
        channels = out
    features = channels * (height // POOLED) * (width // POOLED)
    layers += [nn.Flatten(), Dense(features, config.num_classes, bits=EDGE_BITS), ScalarNorm()]
    return Network(*layers)


register(
    Architecture(
        name="vgg-small",
        summary="VGG-small: 8-bit 3x3 stem of 128, five padded binary convolutions (128, 256, 512), 8-bit classifier",
        build=_vgg_small,
        input_bits=8,
        input_shape=(3, 32, 32),
    )
)
