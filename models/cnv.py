"""FINN's CNV, and a small padded relative of it for small images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation, Conv, Dense, InputQuant, Network, ScalarNorm
from xnorflow.models.registry import Architecture, register

EPS = 1e-4


@dataclass(frozen=True)
class CnvPlan:
    """Widths of a CNV: 3x3 convolutions as ``(channels, followed by a 2x2 max-pool)``, then fully connected layers."""

    convs: tuple[tuple[int, bool], ...]
    dense: tuple[int, ...]
    padding: int


CNV = CnvPlan(((64, False), (64, True), (128, False), (128, True), (256, False), (256, False)), (512, 512), padding=0)
CNV_SMALL = CnvPlan(((16, False), (16, True), (32, False), (32, True)), (64,), padding=1)


def _cnv(config: ModelConfig, plan: CnvPlan) -> nn.Module:
    channels, height, width = config.input_shape
    layers: list[nn.Module] = [InputQuant(bits=config.input_bits)]
    for index, (base, pooled) in enumerate(plan.convs):
        out = config.channels(base)
        padding_value = config.padding_value if index or config.input_bits == 1 else 0
        layers += [
            Conv(channels, out, 3, bits=config.weight_bits, padding=plan.padding, padding_value=padding_value),
            nn.BatchNorm2d(out, eps=EPS),
            Activation(bits=config.act_bits),
        ]
        channels, height, width = out, height - 2 + 2 * plan.padding, width - 2 + 2 * plan.padding
        if pooled:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        if height < 1 or width < 1:
            raise BadInputError(
                f"model {config.name}: an image of {config.input_shape[1]}x{config.input_shape[2]} is too small, nothing is left "
                f"after convolution {index + 1} of {len(plan.convs)}; cnv-small takes 4x4 and up, cnv 32x32 and up"
            )
    layers.append(nn.Flatten())
    layers += _dense(config, channels * height * width, plan.dense)
    return Network(*layers)


def _dense(config: ModelConfig, features: int, widths: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for base in widths:
        out = config.channels(base)
        layers += [Dense(features, out, bits=config.weight_bits), nn.BatchNorm1d(out, eps=EPS), Activation(bits=config.act_bits)]
        features = out
    return [*layers, Dense(features, config.num_classes, bits=config.weight_bits), ScalarNorm()]


register(
    Architecture(
        name="cnv",
        summary="FINN's CNV: six valid 3x3 convolutions (64, 128, 256), two layers of 512, bipolar weights, 8-bit pixels",
        build=lambda config: _cnv(config, CNV),
        input_bits=8,
        input_shape=(3, 32, 32),
    )
)
register(
    Architecture(
        name="cnv-small",
        summary="a CNV for small images: four padded 3x3 convolutions (16, 32), one layer of 64, bipolar weights, 8-bit pixels",
        build=lambda config: _cnv(config, CNV_SMALL),
        input_bits=8,
        input_shape=(1, 8, 8),
    )
)
