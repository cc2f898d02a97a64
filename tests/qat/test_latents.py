"""Latent weights of a network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.layers import Activation, Conv, Network
from xnorflow.qat.injectors import WEIGHTS, binary_weight
from xnorflow.qat.latents import latent_range, latent_weights
from xnorflow.qat.layers import BinaryConv2d, BinaryLinear, QuantScheme
from xnorflow.qat.quantise import quantise
from xnorflow.qat.quantisers import int_weight
from xnorflow.qat.regularise.kurtosis import kurtosis


def network() -> Network:
    return Network(
        BinaryConv2d(3, 8, 3, weight_quant=int_weight(8)),
        BinaryConv2d(8, 16, 3, weight_quant=binary_weight("progressive")),
        nn.Flatten(),
        BinaryLinear(64, 10, weight_quant=binary_weight("progressive")),
    )


def test_latents_are_the_weights_of_binary_layers_only() -> None:
    assert [tuple(weight.shape) for weight in latent_weights(network())] == [(16, 8, 3, 3), (10, 64)]


def test_every_method_has_a_range() -> None:
    limits = {method: rule.limit if (rule := latent_range(method).rule()) else None for method in WEIGHTS}
    free = dict.fromkeys(["ede", "rbnn", "rbnn-rotated", "recu", "ir-net"])
    assert limits == free | {"ste": 1.0, "approx-sign": 1.0, "tanh": 1.0, "real": 1.0, "progressive": 1.5}
    with pytest.raises(BadInputError, match="weight quantiser 'bop' is not known"):
        latent_range("bop")


@pytest.mark.parametrize(
    ("weight", "latents", "low", "high"),
    [
        ("ste", "auto", -1.0, 1.0),
        ("progressive", "auto", -6e-3, 6e-3),
        ("progressive", "uniform", -1.0, 1.0),
        ("ste", "positive", 0.0, 1e-3),
        ("ste", "fan-in", -1 / 12, 1 / 12),
    ],
)
def test_a_recipe_says_where_latents_start(weight: str, latents: str, low: float, high: float) -> None:
    torch.manual_seed(0)
    scheme = QuantScheme(weight=weight, latents=latents)
    net = quantise(Network(Conv(3, 8, 3, bits=8), Activation(bits=1), Conv(16, 64, 3, bits=1)), scheme)
    few, binary = net[0].weight.detach(), net[2].weight.detach()
    assert low <= float(binary.min()) < low + 0.4 * (high - low)
    assert high - 0.4 * (high - low) < float(binary.max()) <= high
    assert float(few.abs().max()) > 0.9
    if (weight, latents) == ("progressive", "auto"):
        assert float(binary.std()) == pytest.approx(1e-3, rel=0.05)


def test_the_start_of_real_resnets_is_gaussian_with_the_deviation_of_its_fan_in() -> None:
    torch.manual_seed(0)
    layer = quantise(Network(Conv(16, 64, 3, bits=1)), QuantScheme(latents="kaiming-normal"))[0]
    assert float(layer.weight.detach().std()) == pytest.approx((2 / 144) ** 0.5, rel=0.03)
    assert float(kurtosis(layer.weight.detach())) == pytest.approx(3.0, abs=0.15)


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"quant\.latents 'zero' is not known; known are auto, uniform, normal, positive, fan-in"):
        QuantScheme(latents="zero")
