from __future__ import annotations

import math

import pytest
import torch

from xnorflow.models import build
from xnorflow.qat.layers import is_binary
from xnorflow.qat.quantise import quantise
from xnorflow.qat.weight_statistics import LayerWeights, layer_weights


def layer(*values: float) -> LayerWeights:
    return LayerWeights("conv", torch.tensor([values]), True)


def test_two_modes_have_the_least_kurtosis_and_lie_on_their_signs() -> None:
    many = LayerWeights("conv", torch.tensor([0.5, -0.5]).repeat(5000), True)
    assert many.kurtosis == pytest.approx(1.0, rel=1e-3)
    assert many.cosine == pytest.approx(1.0)


def test_weights_without_a_deviation_have_no_kurtosis() -> None:
    assert math.isnan(layer(0.25).kurtosis)
    assert math.isnan(layer(0.0, 0.0, 0.0).kurtosis)
    assert math.isnan(layer(-0.1, -0.1).kurtosis)


def test_every_convolution_and_matrix_is_found_with_its_kind() -> None:
    network = quantise(build("bireal-20", input_shape=(3, 8, 8), num_classes=4, width=0.25))
    found = layer_weights(network)
    modules = dict(network.named_modules())
    assert [each.name for each in found if not each.binary] == ["stem.conv", "head.fc"]
    assert len(found) == 20
    assert all(each.binary == is_binary(modules[each.name]) and each.weight is modules[each.name].weight for each in found)
