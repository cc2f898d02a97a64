"""Trained models with packed layers compute what they computed before; what stays float says why."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.kernels.torch import PackedConv2d, PackedLinear, Replaced, accelerate
from xnorflow.models import build, lookup
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise


def network(name: str, scheme: QuantScheme | None = None, **options: object) -> tuple[nn.Module, torch.Tensor]:
    """A quantised network of the registry with random weights and batch norms, in evaluation mode, and images for it."""
    torch.manual_seed(0)
    shape = lookup(name).input_shape
    model = quantise(build(name, input_shape=shape, num_classes=10, **options), scheme)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 3)
            nn.init.uniform_(module.running_var, 1, 9)
    return model.eval(), torch.randn(3, *shape)


@pytest.mark.parametrize("name", ["tfc", "cnv"])
def test_a_chain_with_packed_layers_gives_the_same_logits(name: str) -> None:
    model, images = network(name)
    with torch.no_grad():
        expected = model(images)
        report = accelerate(model, images)
        assert torch.equal(model(images), expected)
    assert [entry.packed for entry in report].count(True) == {"tfc": 4, "cnv": 8}[name]
    assert {type(module) for module in model.modules()} & {PackedConv2d, PackedLinear}


def test_a_scale_of_powers_of_two_is_exact_too() -> None:
    model, images = network("cnv", QuantScheme(weight_scale="power-of-two"))
    with torch.no_grad():
        expected = model(images)
        assert any(entry.packed for entry in accelerate(model, images))
        assert torch.equal(model(images), expected)


def test_the_binary_convolutions_of_a_residual_network_are_packed() -> None:
    """What follows them is real-valued, and PyTorch's own kernels may sum it in another order in another memory layout."""
    model, images = network("bireal-18", width=0.125)
    with torch.no_grad():
        expected = model(images)
        report = accelerate(model, images)
        torch.testing.assert_close(model(images), expected)
    assert [entry.packed for entry in report].count(True) == 16
    assert {entry.reason for entry in report if not entry.packed} == {"its input does not come from a one-bit quantiser"}


class Block(nn.Module):
    """One binary layer of each kind, with what may stand between quantiser and layer, and layers that must stay."""

    def __init__(self) -> None:
        super().__init__()
        self.sign = Sign()
        self.stem = nn.Conv2d(3, 70, 3, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.conv = binary(nn.Conv2d(70, 9, (3, 1), stride=(2, 1), padding=(1, 0), dilation=(2, 1), bias=False))
        self.uneven = nn.Conv2d(70, 4, 1, bias=False)
        self.depthwise = binary(nn.Conv2d(70, 70, 3, padding=1, groups=70, bias=False))
        self.grouped = binary(nn.Conv2d(70, 70, 1, groups=35, bias=False))
        self.shifted = binary(nn.Conv2d(70, 4, 1))
        self.unused = nn.Linear(2, 2)
        self.head = binary(nn.Linear(9, 5, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.sign(self.stem(x)))
        rest = self.uneven(x).mean() + self.depthwise(x).mean() + self.grouped(x).mean() + self.shifted(x).mean()
        return self.head(self.sign(self.conv(x).mean(dim=(2, 3)))) + rest


class Sign(nn.Module):
    bits = 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.where(x >= 0, 1.0, -1.0)


def binary(layer: nn.Module) -> nn.Module:
    """The layer with weights -2 and +2."""
    layer.weight.data = torch.where(layer.weight >= 0, 2.0, -2.0)
    return layer


def test_every_layer_is_listed_with_the_reason_where_it_stays() -> None:
    torch.manual_seed(1)
    model, images = Block().eval(), torch.randn(2, 3, 12, 13)
    with torch.no_grad():
        expected = model(images)
        report = accelerate(model, images)
        assert torch.equal(model(images), expected)
    uneven = "its weights have more than one magnitude in an output channel, or none"
    assert report == [
        Replaced("stem", False, "its input does not come from a one-bit quantiser"),
        Replaced("conv", True),
        Replaced("uneven", False, uneven),
        Replaced("depthwise", True),
        Replaced("grouped", False, "groups 35 and padding (0, 0) in mode 'zeros' have no kernel"),
        Replaced("shifted", False, "it has a bias"),
        Replaced("unused", False, "it was not called on the example"),
        Replaced("head", True),
    ]


@pytest.mark.parametrize("pad_value", [-1, 0, 1])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_packed_layers_survive_compilation_copies_and_pickles(memory: torch.memory_format, pad_value: int) -> None:
    rng = np.random.default_rng(0)
    signs = torch.from_numpy(rng.choice([-1, 1], (6, 33, 3, 3)))
    layer = PackedConv2d(signs, torch.rand(6), padding=(1, 2), pad_value=pad_value)
    x = torch.randn(2, 33, 7, 5).contiguous(memory_format=memory)
    around = nn.functional.pad(torch.where(x >= 0, 1.0, -1.0), (2, 2, 1, 1), value=float(pad_value))
    expected = nn.functional.conv2d(around, signs.float()) * layer.scale.reshape(1, -1, 1, 1)
    compiled = torch.compile(lambda images: layer(images) + 1, backend="eager", fullgraph=True)
    assert torch.equal(layer(x), expected)
    assert torch.equal(compiled(x), expected + 1)
    assert torch.equal(copy.deepcopy(layer)(x), expected)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), expected)
    torch.library.opcheck(torch.ops.xnorflow.binary_conv2d, (x, layer.number), test_utils=("test_schema", "test_faketensor"))


def test_what_does_not_fit_is_refused() -> None:
    model, images = network("tfc")
    with pytest.raises(BadInputError, match=r"the model is in training mode; call model.eval\(\) before accelerate"):
        accelerate(model.train(), images)
    layer = PackedConv2d(torch.ones(2, 3, 1, 1), torch.ones(2))
    with pytest.raises(BadInputError, match=r"a packed layer got torch.float32 \(1, 4, 2, 2\); float32 \(N, 3, H, W\) is accepted"):
        layer(torch.ones(1, 4, 2, 2))
