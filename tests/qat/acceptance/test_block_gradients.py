"""Gradients through whole binary blocks against the published surrogates, written out as smooth functions and differentiated by torch.

Each surrogate is the derivative of a known function; with ``f(x) + (sign(x) - f(x)).detach()`` torch's own differentiation of
that function gives the gradient, which shares nothing with the estimators under test.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.models.blocks.bireal import BiRealUnit
from xnorflow.models.blocks.react import ReActUnit
from xnorflow.models.blocks.shortcut import Shortcut
from xnorflow.models.blocks.site import Site
from xnorflow.models.config import ModelConfig
from xnorflow.qat.binarisers.schedule import set_epoch
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise

Surrogate = Callable[[Tensor], Tensor]
EPOCHS = 10
SITE, CONFIG = Site(4, 4, 1, 6, 6), ModelConfig(name="bireal-20", input_shape=(4, 6, 6), num_classes=2, padding_value=-1)


def hard(x: Tensor) -> Tensor:
    return torch.where(x >= 0, 1.0, -1.0)


def sloped_like(f: Surrogate) -> Surrogate:
    """Sign whose derivative is that of ``f``."""
    return lambda x: f(x) + (hard(x) - f(x)).detach()


def clipped(limit: float) -> Surrogate:
    return sloped_like(lambda x: x.clamp(-limit, limit))


def approx() -> Surrogate:
    return sloped_like(lambda x: torch.where(x.abs() < 1, 2 * x - x * x.abs(), hard(x)))


def ede(epoch: int) -> Surrogate:
    t = 10 ** (-2 + 3 * epoch / EPOCHS)
    return sloped_like(lambda x: max(1 / t, 1.0) * torch.tanh(t * x))


def rbnn(epoch: int, activation: bool) -> Surrogate:
    t = 10 ** (-2 + 3 * epoch / EPOCHS)
    t, k = (max(t, 1.0), 1.0) if activation else (t, max(1 / t, 1.0))
    edge = math.sqrt(2) / t
    return sloped_like(lambda x: k * torch.where(x.abs() < edge, math.sqrt(2) * t * x - t * t * x * x.abs() / 2, hard(x) * edge * edge * t * t / 2))


def straight(value: Surrogate) -> Surrogate:
    return lambda w: w + (value(w) - w).detach()


def progressive(epoch: int) -> Surrogate:
    temperature = 1e-7 ** (epoch / (0.4 * EPOCHS))
    return straight(lambda w: hard(w) if temperature < 1e-7 else (w / temperature).clamp(-1, 1))


def mirror(epoch: int) -> Surrogate:
    return straight(lambda w: hard(w) if epoch >= 0.9 * EPOCHS else torch.tanh(1e3 ** (epoch / (0.9 * EPOCHS)) * w))


CASES = [
    (QuantScheme(activation="ste", clip=1.0), 0, clipped(1.0), clipped(1.0)),
    (QuantScheme(activation="ste", clip=1.5), 0, clipped(1.5), clipped(1.0)),
    (QuantScheme(activation="approx-sign", weight="approx-sign"), 0, approx(), approx()),
    *((QuantScheme(activation="ede", weight="ede"), epoch, ede(epoch), ede(epoch)) for epoch in (0, 5, 9)),
    *((QuantScheme(activation="rbnn", weight="rbnn"), epoch, rbnn(epoch, True), rbnn(epoch, False)) for epoch in (0, 5, 9)),
    *((QuantScheme(activation="approx-sign", weight="progressive"), epoch, approx(), progressive(epoch)) for epoch in (0, 1, 6)),
    *((QuantScheme(activation="approx-sign", weight="tanh"), epoch, approx(), mirror(epoch)) for epoch in (0, 5, 9)),
]


def scheme_name(case: object) -> str | None:
    return f"{case.activation} {case.clip} {case.weight}" if isinstance(case, QuantScheme) else None


def same_gradients(block: nn.Module, written_out: Callable[[Tensor], Tensor], seed: int) -> None:
    """Outputs of a block and of its formula are equal, and so are the gradients of the image and of every parameter."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, 4, 6, 6, generator=generator, requires_grad=True)
    direction = torch.randn(5, 4, 6, 6, generator=generator)
    parameters = [x, *block.parameters()]
    found, expected = block(x), written_out(x)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    for mine, theirs in zip(*(torch.autograd.grad((out * direction).sum(), parameters) for out in (found, expected)), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def randomised(block: nn.Module, epoch: int, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(100 + seed)
    set_epoch(block, epoch, EPOCHS)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(0.7 * torch.randn(parameter.shape, generator=generator))
    return block.train()


def convolution(block: nn.Module, x: Tensor, activation: Surrogate, weight: Surrogate) -> Tensor:
    product = functional.conv2d(functional.pad(activation(x), (1, 1, 1, 1), value=-1.0), weight(block.conv.weight))
    return functional.batch_norm(product, None, None, block.norm.weight, block.norm.bias, training=True)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("scheme", "epoch", "activation", "weight"), CASES, ids=scheme_name)
def test_bireal_unit(scheme: QuantScheme, epoch: int, activation: Surrogate, weight: Surrogate, seed: int) -> None:
    block = randomised(quantise(BiRealUnit(SITE, CONFIG, Shortcut.PAD), scheme), epoch, seed)
    same_gradients(block, lambda x: convolution(block, x, activation, weight) + x, seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("scheme", "epoch", "activation", "weight"), CASES, ids=scheme_name)
def test_react_unit(scheme: QuantScheme, epoch: int, activation: Surrogate, weight: Surrogate, seed: int) -> None:
    block = randomised(quantise(ReActUnit(SITE, CONFIG, Shortcut.PAD), scheme), epoch, seed)
    shift, before, slope, after = (parameter.reshape(1, -1, 1, 1) for parameter in (block.rsign[0].shift, *block.rprelu.parameters()))

    def written_out(x: Tensor) -> Tensor:
        inner = convolution(block, x + shift, activation, weight) + x + before
        return torch.where(inner > 0, inner, slope * inner) + after

    same_gradients(block, written_out, seed)
