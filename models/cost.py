"""What a network costs, counted as the binary literature counts.

Multiply-accumulates of convolutions and matrix products only: BOPs are those of a bipolar weight with a bipolar
activation, FLOPs all others (few-bit ones included), and OPs = BOPs / 64 + FLOPs. Batch norms, activations and
pools are not counted. A quantised weight takes its bits, every other trainable parameter 4 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import torch
from torch import nn

from xnorflow.models.build import build
from xnorflow.models.layers import BIPOLAR, Activation, Conv, Dense, InputQuant
from xnorflow.models.trace import REAL, Visit, trace

BOPS_PER_OP = 64


@dataclass(frozen=True)
class LayerCost:
    """One convolution or matrix product.

    Attributes:
        name: dotted path in the network.
        macs: multiply-accumulates of one image.
        weights: number of weights.
        weight_bits, input_bits: bits of a weight and of an input element (32 for real).
    """

    name: str
    macs: int
    weights: int
    weight_bits: int
    input_bits: int

    @property
    def binary(self) -> bool:
        """Whether both operands are bipolar."""
        return self.weight_bits == BIPOLAR and self.input_bits == BIPOLAR


@dataclass(frozen=True)
class Cost:
    """The cost of one network on one image.

    Attributes:
        parameters: trainable parameters, batch norms included.
        binary_weights: those that are bipolar.
        size_bytes: storage of all parameters.
        bops, flops: binary and other multiply-accumulates.
        layers: the matrix layers in order.
    """

    parameters: int
    binary_weights: int
    size_bytes: float
    bops: int
    flops: int
    layers: tuple[LayerCost, ...]

    @property
    def ops(self) -> float:
        """BOPs / 64 + FLOPs."""
        return float(Fraction(self.bops, BOPS_PER_OP) + self.flops)

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return {
            "parameters": self.parameters,
            "binary_weights": self.binary_weights,
            "bytes": self.size_bytes,
            "bops": self.bops,
            "flops": self.flops,
            "ops": self.ops,
            "layers": [vars(layer) for layer in self.layers],
        }


def cost(name: str, *, input_shape: tuple[int, int, int], num_classes: int = 10, **options: Any) -> Cost:
    """Count architecture ``name`` for an image of ``input_shape`` ``(C, H, W)``; no weights are allocated.

    Args:
        name: architecture in the registry.
        input_shape: ``(C, H, W)``.
        num_classes: logits.
        options: further arguments of :func:`xnorflow.models.build`, ``width`` for one.

    Raises:
        BadInputError: the architecture is unknown or does not take the arguments.
    """
    with torch.device("meta"):
        network = build(name, input_shape=input_shape, num_classes=num_classes, **options)
    visits = trace(network, input_shape, quantisers=(Activation, InputQuant))
    layers = tuple(_layer_cost(visit) for visit in visits if isinstance(visit.layer, nn.Conv2d | nn.Linear))
    parameters = sum(p.numel() for p in network.parameters())
    quantised = sum(layer.weights for layer in layers)
    weight_bits = sum(layer.weights * layer.weight_bits for layer in layers)
    return Cost(
        parameters=parameters,
        binary_weights=sum(layer.weights for layer in layers if layer.weight_bits == BIPOLAR),
        size_bytes=weight_bits / 8 + 4 * (parameters - quantised),
        bops=sum(layer.macs for layer in layers if layer.binary),
        flops=sum(layer.macs for layer in layers if not layer.binary),
        layers=layers,
    )


def _layer_cost(visit: Visit) -> LayerCost:
    layer = visit.layer
    assert isinstance(layer, nn.Conv2d | nn.Linear)
    weight_bits = layer.bits if isinstance(layer, Conv | Dense) else REAL
    positions = prod(visit.output_shape[2:])
    return LayerCost(
        name=visit.name, macs=layer.weight.numel() * positions, weights=layer.weight.numel(), weight_bits=weight_bits, input_bits=visit.input_bits
    )
