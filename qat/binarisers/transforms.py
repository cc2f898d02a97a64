"""Transforms in front of a binariser: of weights, which freezing folds into the signs, and of activations, which keep their sign."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.qat.binarisers.schedule import Scheduled

EPSILON = 1e-5


def standardised(weight: Tensor) -> Tensor:
    """``(w - mean) / sqrt(var + 1e-5)`` of each filter, unbiased variance; shape ``(out, ...)`` kept, at least two weights a filter."""
    if weight[0].numel() < 2:
        raise BadInputError(f"weights of shape {tuple(weight.shape)} have one value a filter, which has no standard deviation")
    rows = weight.flatten(1)
    centred = rows - rows.mean(1, keepdim=True)
    return (centred / torch.sqrt(rows.var(1, keepdim=True) + EPSILON)).view_as(weight)


class Standardise(nn.Module):
    """Zero mean and unit deviation per filter (Qin et al. 2020, IR-Net: balanced weights carry most information)."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, weight: Tensor) -> Tensor:
        """Transformed weights, shape ``(out, ...)`` kept; differentiable."""
        return standardised(weight)


class RectifiedClamp(Scheduled):
    """Revive dead weights (Xu et al. 2021, ReCU): standardise with deviation ``2 * sqrt(2)``, clamp to the quantiles of ``tau``.

    ``Q = -mean|w| * ln(2 - 2 * tau)`` is the ``tau`` quantile of a Laplace distribution fitted to the layer; the gradient
    stops at the clamped weights and does not flow through ``Q``. ``tau = A * exp(epoch / epochs) + B`` goes from ``low`` to ``high``.

    Args:
        low, high: ``tau`` at the start and at the end, 0.85 and 0.99 in the paper.
    """

    tau: Tensor

    def __init__(self, low: float = 0.85, high: float = 0.99) -> None:
        super().__init__()
        if not 0.5 < low <= high < 1:
            raise BadInputError(f"weights recu: tau from {low} to {high}; 0.5 < low <= high < 1 is accepted")
        self.low, self.high = low, high
        self.register_buffer("tau", torch.tensor(low))

    def set_epoch(self, epoch: float, epochs: int) -> None:
        share = math.expm1(epoch / epochs) / math.expm1(1)
        self.tau.fill_(self.low + (self.high - self.low) * share)

    def forward(self, weight: Tensor) -> Tensor:
        """Transformed weights, shape ``(out, ...)`` kept; differentiable."""
        scaled = standardised(weight) * (2 * math.sqrt(2))
        limit = (-scaled.abs().mean() * torch.log(2 - 2 * self.tau)).detach()
        return torch.maximum(torch.minimum(scaled, limit), -limit)


class SampleScale(nn.Module):
    """Divide activations by ``sqrt(var + 1e-5)`` of each sample in training only (Xu et al. 2021, ReCU's public code).

    The sign stays what it was; the estimator's window fits the values. Evaluation passes them on.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Scaled activations, shape ``(N, ...)`` kept; differentiable."""
        if not self.training:
            return x
        if x[0].numel() < 2:
            raise BadInputError(f"activations of shape {tuple(x.shape)} have one value a sample, which has no standard deviation")
        variance = x.flatten(1).var(1).reshape(-1, *[1] * (x.dim() - 1))
        return x / torch.sqrt(variance + EPSILON)
