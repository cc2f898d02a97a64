"""Quantisers by name: what the words stand for, and what of them a checkpoint keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models.layers import Network
from xnorflow.qat.binarisers.real import harden
from xnorflow.qat.binarisers.schedule import set_epoch
from xnorflow.qat.freeze import freeze
from xnorflow.qat.injectors import binary_activation, binary_weight
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d, BinaryLinear, QuantScheme

SHAPE = (3, 6, 6)


def network(weight: str, scale: str, activation: str) -> Network:
    torch.manual_seed(0)
    act = binary_activation(activation)
    return Network(
        BinaryActivation(bits=1, act_quant=act),
        BinaryConv2d(3, 4, 3, weight_quant=binary_weight(weight, scale), padding=1, padding_value=-1),
        nn.BatchNorm2d(4),
        BinaryActivation(bits=1, act_quant=act),
        nn.Flatten(),
        BinaryLinear(4 * 36, 5, weight_quant=binary_weight(weight, scale)),
    )


def trained(net: Network) -> Network:
    set_epoch(net, 0, 4)
    net(torch.randn(8, *SHAPE)).square().sum().backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in net.parameters())
    set_epoch(net, 4, 4)
    harden(net)
    net.eval()
    return net


def test_transformed_weights_freeze_to_the_signs_of_the_transformed() -> None:
    net = network("ir-net", "none", "ste")
    conv = net[1]
    assert isinstance(conv, BinaryConv2d)
    assert isinstance(conv.weight, nn.Parameter)
    conv.weight.data += 0.3
    centred = conv.weight.detach().numpy() - conv.weight.detach().numpy().mean((1, 2, 3), keepdims=True)
    frozen = freeze(trained(net))[1]
    assert np.array_equal(frozen.weight.numpy(), np.where(centred >= 0, 1, -1))
    assert not np.array_equal(frozen.weight.numpy(), np.where(conv.weight.detach().numpy() >= 0, 1, -1))


def test_schedules_reach_quantisers_and_checkpoints() -> None:
    net, other = network("ede", "learned", "ede"), network("ede", "learned", "ede")
    set_epoch(net, 3, 4)
    state = net.state_dict()
    assert sum(key.endswith("binarizer_impl.t") for key in state) == 4
    assert sum(key.endswith("scaling_impl.factor") for key in state) == 2
    other.load_state_dict(state, strict=True)
    assert all(torch.equal(a, b) for a, b in zip(state.values(), other.state_dict().values(), strict=True))


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(BadInputError, match="weight quantiser 'sign' is not known; known are ste, approx-sign"):
        binary_weight("sign")
    with pytest.raises(BadInputError, match="weight scale quantiser 'max' is not known; known are none, mean"):
        binary_weight("ste", "max")
    with pytest.raises(BadInputError, match="activation quantiser 'ir-net' is not known"):
        binary_activation("ir-net")


def test_settings_reach_the_binariser() -> None:
    conv = BinaryConv2d(1, 2, 3, weight_quant=binary_weight("ste", clip=1.25))
    assert conv.weight_quant.tensor_quant.binarizer_impl.clip == 1.25


def test_settings_of_activations_reach_their_estimator() -> None:
    scheme = QuantScheme(activation="ede", activation_settings={"low": -3.0})
    estimator = BinaryActivation(bits=1, act_quant=scheme.activation_quant(1)).act_quant.fused_activation_quant_proxy.tensor_quant.binarizer_impl
    assert (estimator.low, estimator.high) == (-3.0, 1.0)
    with pytest.raises(BadInputError, match=r"quant\.activation_settings: activation ede has no 'tau'; it has low, high"):
        QuantScheme(activation="ede", activation_settings={"tau": 1.0})
    with pytest.raises(BadInputError, match=r"quant\.activation_settings: activation ste has no 'clip'; it has none"):
        QuantScheme(activation_settings={"clip": 1.0})


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ({"weight_settings": {"clip": float("nan")}}, "estimator ste: clip nan is not positive"),
        ({"weight": "ede", "weight_settings": {"low": 2.0}}, r"estimator ede: low 2\.0, high 1\.0; exponents from -10 to 10, low below high"),
        ({"weight": "rbnn", "weight_settings": {"low": -400.0}}, r"estimator rbnn: low -400\.0, high 1\.0; exponents from -10 to 10"),
        ({"weight": "recu", "weight_settings": {"high": 1.0}}, r"weights recu: tau from 0\.85 to 1\.0; 0\.5 < low <= high < 1"),
        ({"weight": "tanh", "weight_settings": {"beta_end": float("inf")}}, "weights tanh: beta_end inf"),
        ({"weight": "progressive", "weight_settings": {"hard_at": 0.0}}, r"share 0\.0, epochs 1: a threshold in \(0, 1\)"),
        ({"activation": "ede", "activation_settings": {"high": -3.0}}, r"estimator ede: low -2\.0, high -3\.0"),
    ],
)
def test_values_that_a_quantiser_does_not_take_are_refused_with_the_recipe(scheme: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        QuantScheme(**scheme)


@pytest.mark.parametrize("scale", ["mean", "power-of-two"])
def test_real_weights_have_no_statistical_scale_until_they_are_signs(scale: str) -> None:
    conv = BinaryConv2d(2, 4, 3, weight_quant=binary_weight("real", scale))
    weight = conv.weight.detach()
    assert torch.equal(conv.quant_weight().value, weight)
    harden(conv)
    mean = weight.abs().mean((1, 2, 3), keepdim=True)
    expected = mean if scale == "mean" else 2 ** torch.log2(mean).round()
    assert torch.equal(conv.quant_weight().value, torch.where(weight >= 0, 1.0, -1.0) * expected)


def test_real_weights_keep_a_learned_scale() -> None:
    conv = BinaryConv2d(2, 4, 3, weight_quant=binary_weight("real", "learned", initial=0.5))
    assert torch.equal(conv.quant_weight().value, 0.5 * conv.weight.detach())
