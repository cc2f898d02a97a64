"""Latent weights of a network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.layers import Network
from xnorflow.qat.injectors import WEIGHTS, binary_weight
from xnorflow.qat.latents import latent_range, latent_weights, start_latents
from xnorflow.qat.layers import BinaryConv2d, BinaryLinear
from xnorflow.qat.quantisers import int_weight


def network() -> Network:
    return Network(
        BinaryConv2d(3, 8, 3, weight_quant=int_weight(8)),
        BinaryConv2d(8, 16, 3, weight_quant=binary_weight("progressive")),
        nn.Flatten(),
        BinaryLinear(64, 10, weight_quant=binary_weight("progressive")),
    )


def test_latents_are_the_weights_of_binary_layers_only() -> None:
    assert [tuple(weight.shape) for weight in latent_weights(network())] == [(16, 8, 3, 3), (10, 64)]


def test_progressive_latents_start_small_and_others_uniform() -> None:
    torch.manual_seed(0)
    net = network()
    before = net[0].weight.detach().clone()
    start_latents(net, "progressive")
    assert all(float(weight.detach().std()) == pytest.approx(1e-3, rel=0.1) for weight in latent_weights(net))
    assert torch.equal(net[0].weight, before)
    start_latents(net, "ste")
    assert all(0.95 < float(weight.detach().abs().max()) <= 1 for weight in latent_weights(net))


def test_every_method_has_a_range() -> None:
    limits = {method: rule.limit if (rule := latent_range(method).rule()) else None for method in WEIGHTS}
    free = dict.fromkeys(["ede", "rbnn", "recu", "ir-net"])
    assert limits == free | {"ste": 1.0, "approx-sign": 1.0, "tanh": 1.0, "real": 1.0, "progressive": 1.5}
    with pytest.raises(BadInputError, match="weight quantiser 'bop' is not known"):
        latent_range("bop")
