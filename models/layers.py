"""The layers architectures are written with: real-valued slots that ``qat`` fills with quantisers.

A slot says *what* is quantised and to how many bits; *how* (estimator, scale, schedule) belongs to training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

BIPOLAR = 1


class Conv(nn.Conv2d):
    """Square convolution without bias whose weights have ``bits`` bits; input and output are float32 NCHW.

    Args:
        in_channels, out_channels, kernel, stride, padding: as in ``torch.nn.Conv2d``.
        padding_value: value of the border, explicit because a one-bit stream has no zero.
        bits: bits of a weight, 1 for bipolar.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, *, bits: int, stride: int = 1, padding: int = 0, padding_value: int = 0
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, padding, bias=False)
        self.bits = bits
        self.padding_value = padding_value

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the overridden parameter
        border = int(self.padding[0])
        padded = functional.pad(input, (border,) * 4, value=float(self.padding_value))
        return functional.conv2d(padded, self.weight, None, self.stride)


class Dense(nn.Linear):
    """Matrix product without bias whose weights have ``bits`` bits; float32 ``(N, in) -> (N, out)``."""

    def __init__(self, in_features: int, out_features: int, *, bits: int) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.bits = bits


class Activation(nn.Hardtanh):
    """A hidden activation of ``bits`` bits; real-valued it is the hard tanh every estimator approximates."""

    def __init__(self, *, bits: int) -> None:
        super().__init__()
        self.bits = bits


class InputQuant(nn.Hardtanh):
    """The quantiser of the normalised image: ``bits`` bits on the grid ``2**(1 - bits)``, or its sign for one bit."""

    def __init__(self, *, bits: int) -> None:
        super().__init__()
        self.bits = bits


class ScalarNorm(nn.Module):
    """Batch normalisation of a whole tensor by one mean and one variance (FINN's ``TensorNorm``), behind the logits.

    Args:
        eps: added to the variance.
        momentum: share of the newest batch in the running statistics.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, eps: float = 1e-4, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))
        self.register_buffer("running_mean", torch.zeros(1))
        self.register_buffer("running_var", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` of any shape, in the precision of the statistics; training updates them."""
        x = x.to(self.running_mean.dtype)
        if self.training:
            mean, var = x.mean(), x.var(unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean.reshape(1), self.momentum)
                self.running_var.lerp_(x.var().reshape(1), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


class Network(nn.Sequential):
    """A feed-forward network: its layers in order."""
