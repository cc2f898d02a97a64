from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from xnorflow.errors import UnsupportedModelError
from xnorflow.models import build
from xnorflow.models.layers import Network
from xnorflow.qat.freeze import freeze
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d, BinaryLinear, QuantScheme
from xnorflow.qat.quantisers import BinaryWeight


def test_a_frozen_mlp_is_integer_products_and_single_float_operations(networks) -> None:
    frozen = freeze(networks("tfc", (1, 8, 8), QuantScheme(weight_scale="mean")))
    state = {name: value.numpy() for name, value in frozen.state_dict().items()}
    x = np.random.default_rng(0).normal(size=(40, 64)).astype(np.float32)
    stream = np.where(x >= 0, 1, -1)
    layers = list(frozen.children())
    for index, layer in enumerate(layers):
        if isinstance(layer, Network):
            weight = np.where(state[f"{index}.0.weight"] >= 0, 1, -1)
            total = (stream.astype(np.int64) @ weight.T.astype(np.int64)).astype(np.float32)
            scaled = total * state[f"{index}.1.factor"]
            real = scaled * state[f"{index + 1}.factor"]
            real = real + state[f"{index + 1}.offset"]
            stream = np.where(real >= 0, 1, -1)
    assert np.array_equal(frozen(torch.from_numpy(x.reshape(40, 1, 8, 8))).numpy(), real)


@pytest.mark.parametrize("weight_scale", ["none", "mean"])
def test_frozen_weights_are_exactly_plus_and_minus_one(networks, weight_scale: str) -> None:
    frozen = freeze(networks("vgg-small", (1, 8, 8), QuantScheme(weight_scale=weight_scale), width=0.125))
    convs = [layer for layer in frozen.modules() if isinstance(layer, BinaryConv2d)]
    assert [sorted(set(layer.weight.flatten().tolist())) for layer in convs[1:]] == [[-1.0, 1.0]] * 5


def test_freezing_keeps_the_function_up_to_rounding_and_the_original_network(networks) -> None:
    network = networks("cnv-small", (1, 8, 8), QuantScheme(weight_scale="mean"), padding_value=1).double()
    before = copy.deepcopy(network.state_dict())
    frozen = freeze(network).double()
    x = torch.randn(16, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(frozen(x), network(x), rtol=1e-5, atol=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_frozen_network_has_no_dropout_no_norm_and_no_gradient(networks) -> None:
    frozen = freeze(networks("tfc", (1, 8, 8), dropout=0.5).train())
    assert not any(isinstance(layer, nn.Dropout | nn.BatchNorm1d) for layer in frozen.modules())
    assert not any(parameter.requires_grad for parameter in frozen.parameters())
    assert not frozen.training


def test_a_network_that_was_not_quantised_is_refused_with_the_layers_name() -> None:
    with pytest.raises(UnsupportedModelError, match=r"layer network\.0 is InputQuant, which has no frozen form"):
        freeze(build("tfc", input_shape=(1, 8, 8), num_classes=10))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_is_refused_with_the_layers_name(networks, value: float) -> None:
    network = networks("tfc", (1, 8, 8))
    network[3].weight.data[0, 0] = value
    with pytest.raises(UnsupportedModelError, match=r"layer network\.3 has a weight"):
        freeze(network)
    network = networks("tfc", (1, 8, 8))
    network[4].running_mean[0] = value
    with pytest.raises(UnsupportedModelError, match=r"layer network\.4 has a weight"):
        freeze(network)


def test_a_scale_of_zero_is_refused(networks) -> None:
    network = networks("tfc", (1, 8, 8), QuantScheme(weight_scale="mean"))
    network[3].weight.data[5] = 0.0
    with pytest.raises(UnsupportedModelError, match=r"layer network\.3 has an output channel whose weights are all zero"):
        freeze(network)


def test_a_matrix_that_reads_real_values_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match=r"layer network\.0 reads real values"):
        freeze(Network(BinaryLinear(4, 2, weight_quant=BinaryWeight)))


def test_sums_beyond_float32s_integers_are_refused() -> None:
    scheme = QuantScheme()
    wide = BinaryLinear(2**17, 1, weight_quant=BinaryWeight)
    eight, seven = (BinaryActivation(bits=bits, act_quant=scheme.input_quant(bits)) for bits in (8, 7))
    with pytest.raises(UnsupportedModelError, match=r"layer network\.1 can reach sums of 16777216"):
        freeze(Network(eight, wide))
    assert freeze(Network(seven, wide))
