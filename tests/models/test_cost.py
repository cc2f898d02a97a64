from __future__ import annotations

import json

import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.models import cost


def test_tfc_costs_what_its_matrices_hold() -> None:
    figures = cost("tfc", input_shape=(1, 28, 28))
    weights = 784 * 64 + 64 * 64 + 64 * 64 + 64 * 10
    assert figures.binary_weights == weights == 59008
    assert (figures.bops, figures.flops) == (weights, 0)
    others = 3 * 2 * 64 + 2  # scale and shift of three batch norms, and of the norm behind the logits
    assert figures.parameters == weights + others
    assert figures.size_bytes == weights / 8 + 4 * others
    assert figures.ops == weights / 64


def test_an_eight_bit_input_makes_the_first_layer_no_binary_operation() -> None:
    figures = cost("tfc", input_shape=(1, 28, 28), input_bits=8)
    assert (figures.bops, figures.flops) == (64 * 64 * 2 + 640, 784 * 64)


def test_cnv_costs_what_was_counted_by_hand() -> None:
    figures = cost("cnv", input_shape=(3, 32, 32))
    # kernel taps * input channels * output channels * output pixels; the first layer sees 8-bit pixels
    first = 9 * 3 * 64 * 30 * 30
    binary = 9 * 64 * 64 * 28 * 28 + 9 * 64 * 128 * 12 * 12 + 9 * 128 * 128 * 10 * 10 + 9 * 128 * 256 * 3 * 3 + 9 * 256 * 256 * 1
    binary += 256 * 512 + 512 * 512 + 512 * 10
    assert (figures.bops, figures.flops) == (binary, first) == (57906176, 1555200)
    assert figures.binary_weights == 9 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256) + 256 * 512 + 512 * 512 + 5120


def test_vgg_small_costs_what_was_counted_by_hand() -> None:
    figures = cost("vgg-small", input_shape=(3, 32, 32))
    edges = 9 * 3 * 128 + 8192 * 10
    binary_weights = 9 * (128 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512)
    norms = 2 * (128 + 128 + 256 + 256 + 512 + 512) + 2
    assert figures.flops == 9 * 3 * 128 * 32 * 32 + 8192 * 10
    assert figures.bops == 9 * (128 * 128 * 1024 + 128 * 256 * 256 + 256 * 256 * 256 + 256 * 512 * 64 + 512 * 512 * 64) == 603979776
    assert figures.binary_weights == binary_weights
    assert figures.size_bytes == binary_weights / 8 + edges + 4 * norms
    assert figures.ops == figures.bops / 64 + figures.flops


def test_two_bit_activations_leave_no_binary_operation() -> None:
    figures = cost("cnv-small", input_shape=(1, 8, 8), act_bits=2)
    assert figures.bops == 0
    assert [layer.input_bits for layer in figures.layers] == [8, 2, 2, 2, 2, 2]


def test_the_figures_are_json() -> None:
    record = json.loads(json.dumps(cost("tfc", input_shape=(1, 8, 8)).to_json()))
    assert record["layers"][0] == {"name": "3", "macs": 4096, "weights": 4096, "weight_bits": 1, "input_bits": 1}


def test_counting_leaves_torchs_default_device_alone() -> None:
    cost("tfc", input_shape=(1, 8, 8))
    assert torch.zeros(1).device.type == "cpu"


def test_counting_refuses_what_building_refuses() -> None:
    with pytest.raises(BadInputError, match="too small"):
        cost("cnv", input_shape=(1, 8, 8))
