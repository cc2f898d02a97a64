"""Brevitas exports, through TorchScript and through dynamo, lower to what they compute."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from xnorflow.hw.lowering import QonnxLink, lower

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import brevitas.nn as qnn
    from brevitas.export import export_qonnx
    from brevitas.quant import ShiftedUint8ActPerTensorFloat, SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst


class UnitBinary(SignedBinaryWeightPerTensorConst):
    scaling_const = 1.0


def norm(channels):
    layer = nn.BatchNorm2d(channels)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    return layer


def sign():
    return qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst, scaling_const=1.0, min_val=-1.0, max_val=1.0)


def binary():
    image = qnn.QuantIdentity(bit_width=8, min_val=-1.0, max_val=1.0 - 2**-7, narrow_range=False, restrict_scaling_type="power_of_two")
    return nn.Sequential(
        *(image, qnn.QuantConv2d(2, 5, 3, bias=False, weight_quant=UnitBinary), norm(5), sign()),
        *(qnn.QuantConv2d(5, 7, 3, padding=1, bias=False, weight_quant=UnitBinary), nn.MaxPool2d(2), norm(7), sign()),
        *(nn.Flatten(), qnn.QuantLinear(7 * 9, 4, bias=False, weight_quant=UnitBinary)),
    )


def few_bits():
    return nn.Sequential(
        *(qnn.QuantIdentity(bit_width=8), qnn.QuantConv2d(2, 6, 3, padding=1, weight_bit_width=4), norm(6), qnn.QuantReLU(bit_width=4)),
        *(nn.MaxPool2d(2), qnn.QuantConv2d(6, 3, 3, weight_bit_width=3, weight_scaling_per_output_channel=True), nn.PReLU(3)),
        *(qnn.QuantIdentity(bit_width=3), nn.Dropout(), nn.Flatten(), qnn.QuantLinear(12, 4, bias=True, weight_bit_width=8)),
    )


def zero_point():
    return nn.Sequential(
        *(qnn.QuantIdentity(act_quant=ShiftedUint8ActPerTensorFloat), qnn.QuantConv2d(2, 4, 3, bias=False, padding=1, weight_bit_width=4)),
        *(norm(4), qnn.QuantHardTanh(bit_width=2, min_val=-1, max_val=1), nn.Flatten(), qnn.QuantLinear(256, 4, bias=False, weight_bit_width=2)),
    )


def truncated():
    return nn.Sequential(
        *(qnn.QuantIdentity(bit_width=8, return_quant_tensor=True), qnn.QuantConv2d(2, 4, 3, bias=False, padding=1, weight_bit_width=4)),
        *(qnn.QuantReLU(bit_width=4, return_quant_tensor=True), qnn.TruncAvgPool2d(2, bit_width=4)),
        *(nn.Flatten(), qnn.QuantLinear(64, 4, bias=False, weight_bit_width=4)),
    )


@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("make", [binary, few_bits, zero_point, truncated])
def test_an_export_is_what_it_computes(make, dynamo, tmp_path, capfd):
    torch.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = make().train()
        for _ in range(3):
            network(torch.rand(4, 2, 8, 8))
        network.eval()
        path = tmp_path / "net.onnx"
        export_qonnx(network, torch.rand(1, 2, 8, 8), str(path), dynamo=dynamo)
    capfd.readouterr()
    lowered = lower(path)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 2))
    link = QonnxLink(path, lowered.graph, lowered.tail, lowered.pixel_norm)
    differing = link.check(pixels)
    if make is binary:
        assert link.exact
        assert differing == 0
