"""Every quantiser a recipe can name, in every combination, trains, freezes to signs and exports as BipolarQuant without a difference."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from torch import Tensor, nn

from xnorflow.models.layers import Activation, Conv, Dense, Network
from xnorflow.qat.binarisers.real import harden
from xnorflow.qat.binarisers.schedule import require_hard, set_epoch
from xnorflow.qat.export import to_qonnx
from xnorflow.qat.freeze import freeze
from xnorflow.qat.injectors import ACTIVATIONS, SCALES, WEIGHTS
from xnorflow.qat.layers import BinaryConv2d, BinaryLinear, QuantScheme
from xnorflow.qat.quantise import quantise

SHAPE = (2, 5, 5)
EPOCHS = 3
BINARY_ACTIVATIONS = [name for name in ACTIVATIONS if name != "tanh"]


def chain(weight: str, activation: str) -> Network:
    """A convolution for each weight scale and a matrix product, random widths and borders, everything quantised by a recipe's words."""
    torch.manual_seed(sum(map(ord, weight + activation)))
    layers: list[nn.Module] = []
    channels = SHAPE[0]
    for border, scale in zip((-1, 0, 1, -1, 1), SCALES, strict=True):
        outputs = int(torch.randint(2, 5, ()))
        slots = [Activation(bits=1), Conv(channels, outputs, 3, bits=1, padding=1, padding_value=border)]
        scheme = QuantScheme(activation=activation, clip=1.25, weight=weight, weight_scale=scale)
        layers += [*quantise(Network(*slots), scheme), nn.BatchNorm2d(outputs)]
        channels = outputs
    tail = Network(Activation(bits=1), nn.Flatten(), Dense(channels * 25, 3, bits=1))
    return Network(*layers, *quantise(tail, QuantScheme(activation=activation, weight=weight)))


def trained(net: Network) -> Network:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    images, labels = torch.randn(12, *SHAPE), torch.arange(12) % 3
    for epoch in range(EPOCHS):
        set_epoch(net.train(), epoch, EPOCHS)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in net.parameters())
        optimizer.step()
    set_epoch(net, EPOCHS, EPOCHS)
    harden(net)
    return net.eval()


def by_qonnx(frozen: nn.Module, images: Tensor) -> np.ndarray:
    model = ModelWrapper(to_qonnx(frozen, SHAPE))
    assert [n.op_type for n in model.graph.node].count("BipolarQuant") == 2 * (len(SCALES) + 1)
    names = model.graph.input[0].name, model.graph.output[0].name
    return np.concatenate([execute_onnx(model, {names[0]: image[None].numpy()})[names[1]] for image in images])


@pytest.mark.parametrize(("weight", "activation"), list(product(WEIGHTS, BINARY_ACTIVATIONS)))
def test_any_weights_scale_and_activation_export_as_what_pytorch_computes(weight: str, activation: str) -> None:
    net = trained(chain(weight, activation))
    require_hard(net)
    frozen = freeze(net)
    learned = [m for m in net.modules() if isinstance(m, BinaryConv2d | BinaryLinear)]
    signs = [m for m in frozen.modules() if isinstance(m, BinaryConv2d | BinaryLinear)]
    for before, after in zip(learned, signs, strict=True):
        quantised = before.quant_weight()
        assert set(after.weight.unique().tolist()) <= {-1.0, 1.0}
        assert torch.equal(after.weight * quantised.scale, quantised.value)
    images = torch.randn(2, *SHAPE)
    images[0, :, :2], images[1, :, :2] = 0.0, -0.0
    with torch.no_grad():
        assert np.array_equal(frozen(images).numpy(), by_qonnx(frozen, images))
