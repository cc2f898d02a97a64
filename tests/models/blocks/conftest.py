"""What the block tests share: formulas in plain torch, and the comparison of a quantised block with one of them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.qat.quantise import quantise

Parameters = dict[str, Tensor]
Formula = Callable[[Parameters, Tensor], Tensor]


def sign(x: Tensor) -> Tensor:
    """+1 from zero on; its gradient passes within [-1, 1]."""
    hard = (x >= 0).to(x.dtype) * 2 - 1
    return x.clamp(-1, 1) + (hard - x.clamp(-1, 1)).detach()


def conv(p: Parameters, name: str, x: Tensor, stride: int = 1, border: float = 0.0) -> Tensor:
    """Convolution with binary weights and an explicit border, same size at stride 1; written as windows times weights."""
    weight = sign(p[f"{name}.weight"])
    kernel = weight.shape[-1]
    padded = functional.pad(x, (kernel // 2,) * 4, value=border)
    windows = padded.unfold(2, kernel, stride).unfold(3, kernel, stride)
    return torch.einsum("nchwij,ocij->nohw", windows, weight)


def real_pointwise(p: Parameters, name: str, x: Tensor, stride: int = 1) -> Tensor:
    """Real 1x1 convolution without bias."""
    return torch.einsum("nchw,oc->nohw", x[:, :, ::stride, ::stride], p[f"{name}.weight"][:, :, 0, 0])


def norm(p: Parameters, name: str, x: Tensor) -> Tensor:
    """Batch norm in evaluation."""
    shape = (1, -1, 1, 1)
    mean, var, weight, bias = (p[f"{name}.{part}"].reshape(shape) for part in ("running_mean", "running_var", "weight", "bias"))
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def prelu(p: Parameters, name: str, x: Tensor) -> Tensor:
    """PReLU with one slope per channel, which is its derivative at zero too, as in torch."""
    return torch.where(x > 0, x, x * p[f"{name}.weight"].reshape(1, -1, 1, 1))


def rprelu(p: Parameters, name: str, x: Tensor) -> Tensor:
    """Shift, PReLU, shift."""
    return prelu(p, f"{name}.prelu", x + p[f"{name}.before.shift"]) + p[f"{name}.after.shift"]


def average(x: Tensor) -> Tensor:
    """2x2 average of an even image."""
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


@pytest.fixture(scope="session")
def plain() -> SimpleNamespace:
    """The formulas."""
    return SimpleNamespace(sign=sign, conv=conv, real_pointwise=real_pointwise, norm=norm, prelu=prelu, rprelu=rprelu, average=average)


def _randomised(block: nn.Module) -> nn.Module:
    torch.manual_seed(7)
    quantise(block)
    with torch.no_grad():
        for name, tensor in [*block.named_parameters(), *block.named_buffers()]:
            if "running_var" in name:
                tensor.uniform_(0.5, 2.0)
            elif tensor.is_floating_point() and "tensor_quant" not in name and "quant." not in name:
                tensor.uniform_(-1.2, 1.2)
    return block.eval()


@pytest.fixture(scope="session")
def compare() -> Callable[[nn.Module, Formula, tuple[int, ...]], None]:
    """Quantise a block, draw its parameters, compare output and every gradient with those of a formula."""

    def run(block: nn.Module, formula: Formula, shape: tuple[int, ...]) -> None:
        block = _randomised(block)
        x = torch.randn(shape, requires_grad=True)
        parameters = dict(block.named_parameters())
        state: Parameters = {**parameters, **dict(block.named_buffers())}
        got, wanted = block(x), formula(state, x)
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
        cotangent = torch.randn_like(got)
        inputs = [x, *parameters.values()]
        for name, mine, theirs in zip(
            ["input", *parameters],
            torch.autograd.grad(got, inputs, cotangent),
            torch.autograd.grad(wanted, inputs, cotangent),
            strict=True,
        ):
            assert mine.abs().max() > 0, f"{name} has no gradient"
            torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4 * float(theirs.abs().max()), msg=lambda text, name=name: f"{name}: {text}")

    return run
