"""FINN's multi-layer perceptrons TFC, SFC and LFC: three hidden layers of 64, 256 or 1024 neurons."""

from __future__ import annotations

from functools import partial
from math import prod

from torch import nn

from xnorflow.models.config import ModelConfig
from xnorflow.models.layers import Activation, Dense, InputQuant, Network, ScalarNorm
from xnorflow.models.registry import Architecture, register

HIDDEN_LAYERS = 3


def _mlp(config: ModelConfig, *, neurons: int) -> nn.Module:
    hidden = config.channels(neurons)
    layers: list[nn.Module] = [InputQuant(bits=config.input_bits), nn.Flatten(), nn.Dropout(config.dropout)]
    features = prod(config.input_shape)
    for _ in range(HIDDEN_LAYERS):
        layers += [
            Dense(features, hidden, bits=config.weight_bits),
            nn.BatchNorm1d(hidden),
            Activation(bits=config.act_bits),
            nn.Dropout(config.dropout),
        ]
        features = hidden
    layers += [Dense(features, config.num_classes, bits=config.weight_bits), ScalarNorm()]
    return Network(*layers)


for _name, _neurons in (("tfc", 64), ("sfc", 256), ("lfc", 1024)):
    register(
        Architecture(
            name=_name,
            summary=f"FINN's MLP: {HIDDEN_LAYERS} hidden layers of {_neurons}, binary throughout, binarised input",
            build=partial(_mlp, neurons=_neurons),
            input_bits=1,
            input_shape=(1, 28, 28),
        )
    )
