"""The short way through a layer in training gives what Brevitas' own forward gives, values and gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.qat.brevitas import QuantConv2d, QuantIdentity, QuantLinear
from xnorflow.qat.injectors import ACTIVATIONS, SCALES, WEIGHTS, binary_activation, binary_weight
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d, BinaryLinear
from xnorflow.qat.quantisers import int_activation, int_weight

IMAGE = (2, 3, 5, 6)


def computed(out: Tensor, *leaves: Tensor) -> list[Tensor]:
    """The output, and the gradients of a weighted sum of it."""
    weights = torch.linspace(-1, 1, out.numel()).reshape(out.shape)
    return [out.detach(), *(g for g in torch.autograd.grad((out * weights).sum(), leaves, allow_unused=True) if g is not None)]


def require_same(mine: list[Tensor], brevitas: list[Tensor]) -> None:
    assert len(mine) == len(brevitas) >= 2
    assert all(torch.equal(a, b) for a, b in zip(mine, brevitas, strict=True))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", WEIGHTS)
def test_binary_weights(name: str, scale: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(IMAGE, requires_grad=True)
    conv = BinaryConv2d(3, 4, 3, padding=1, padding_value=-1, weight_quant=binary_weight(name, scale)).train()
    parameters = [x, *conv.parameters()]
    padded = functional.pad(x, (1, 1, 1, 1), value=-1.0)
    require_same(computed(conv(x), *parameters), computed(QuantConv2d.forward(conv, padded), *parameters))
    linear = BinaryLinear(6, 4, weight_quant=binary_weight(name, scale)).train()
    parameters = [x, *linear.parameters()]
    require_same(computed(linear(x), *parameters), computed(QuantLinear.forward(linear, x), *parameters))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_binary_activations(name: str) -> None:
    torch.manual_seed(1)
    x = torch.randn(IMAGE, requires_grad=True)
    layer = BinaryActivation(bits=1, act_quant=binary_activation(name)).train()
    require_same(computed(layer(x), x), computed(QuantIdentity.forward(layer, x), x))


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_few_bit_layers(bits: int) -> None:
    torch.manual_seed(2)
    x = torch.randn(IMAGE, requires_grad=True)
    layer = BinaryActivation(bits=bits, act_quant=int_activation(bits)).train()
    require_same(computed(layer(x), x), computed(QuantIdentity.forward(layer, x), x))
    conv = BinaryConv2d(3, 4, 3, weight_quant=int_weight(bits)).train()
    require_same(computed(conv(x), x, conv.weight), computed(QuantConv2d.forward(conv, x), x, conv.weight))


def test_evaluation_goes_through_the_proxies_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    x = torch.randn(IMAGE)
    network = nn.Sequential(
        BinaryActivation(bits=1, act_quant=binary_activation("ste")),
        BinaryConv2d(3, 4, 3, padding=1, padding_value=1, weight_quant=binary_weight("ste", "mean")),
    )
    trained = network.train()(x)
    calls = []
    for proxy in (network[0].act_quant, network[1].weight_quant):
        monkeypatch.setattr(proxy, "create_quant_tensor", lambda *args, made=proxy.create_quant_tensor, **kw: calls.append(1) or made(*args, **kw))
    assert torch.equal(network.eval()(x), trained)
    assert len(calls) == 2
    network.train()(x)
    assert len(calls) == 2


# PyTorch's own tracer does what it warns of.
@pytest.mark.filterwarnings("ignore:.*autograd.function.Function.* should not be instantiated:DeprecationWarning")
def test_torch_compile_takes_a_whole_training_step_and_computes_the_same() -> None:
    torch.manual_seed(4)
    layers = [
        BinaryActivation(bits=1, act_quant=binary_activation("approx-sign")),
        BinaryConv2d(3, 4, 3, padding=1, padding_value=-1, weight_quant=binary_weight("ste", "mean")),
        BinaryActivation(bits=1, act_quant=binary_activation("ste")),
    ]
    network = nn.Sequential(*layers).train()
    x = torch.randn(IMAGE, requires_grad=True)
    parameters = [x, *network.parameters()]
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    require_same(computed(compiled(x), *parameters), computed(network(x), *parameters))
