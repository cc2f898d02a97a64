"""Every binary quantiser trains, freezes to signs and exports as BipolarQuant without a difference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.models.layers import Network
from xnorflow.qat.binarisers.real import harden
from xnorflow.qat.binarisers.schedule import set_epoch
from xnorflow.qat.export import to_qonnx
from xnorflow.qat.freeze import freeze
from xnorflow.qat.injectors import ACTIVATIONS, SCALES, WEIGHTS, binary_activation, binary_weight
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d, BinaryLinear

SHAPE = (3, 6, 6)
# The mean scale rounds once inside and once outside the convolution; every other scale here is a power of two.
CASES = [
    *((weight, "none", "approx-sign") for weight in WEIGHTS),
    *(("ir-net", scale, "ste") for scale in SCALES if scale != "none"),
    *(("ste", "none", activation) for activation in ACTIVATIONS if activation != "tanh"),
]


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


def by_qonnx(frozen: nn.Module, images: Tensor) -> np.ndarray:
    model = ModelWrapper(to_qonnx(frozen, SHAPE))
    assert [n.op_type for n in model.graph.node].count("BipolarQuant") == 4
    names = model.graph.input[0].name, model.graph.output[0].name
    return np.concatenate([execute_onnx(model, {names[0]: image[None].numpy()})[names[1]] for image in images])


@pytest.mark.parametrize(("weight", "scale", "activation"), CASES)
def test_frozen_weights_are_signs_and_the_file_computes_the_same(weight: str, scale: str, activation: str) -> None:
    net = trained(network(weight, scale, activation))
    images = torch.randn(2, *SHAPE)
    images[0, :, :3] = 0.0
    images[1, :, :3] = -0.0
    frozen = freeze(net)
    matrices = [m for m in frozen.modules() if isinstance(m, BinaryConv2d | BinaryLinear)]
    assert len(matrices) == 2
    assert all(set(m.weight.unique().tolist()) == {-1.0, 1.0} for m in matrices)
    with torch.no_grad():
        out = frozen(images)
        assert np.array_equal(out.numpy(), by_qonnx(frozen, images))
        assert torch.allclose(out, net(images), atol=1e-5)
        if scale != "mean":
            assert torch.equal(out, net(images))


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
