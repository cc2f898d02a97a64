"""Mean and deviation of features over a batch, and ways to compare networks of different widths (APD)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.errors import BadInputError

EPSILON = 1e-5


@dataclass(frozen=True)
class Moments:
    """A Gaussian per channel: ``mean`` and ``deviation``, both ``(C,)``."""

    mean: Tensor
    deviation: Tensor


def pooled(features: Tensor) -> Tensor:
    """The vector of each sample: ``(N, C, H, W)`` averaged over positions, or ``(N, C)`` as it is.

    Raises:
        BadInputError: another shape, or fewer than two samples, of which there is no deviation.
    """
    if features.dim() not in (2, 4) or len(features) < 2:
        raise BadInputError(f"features of shape {tuple(features.shape)}; (N, C) or (N, C, H, W) with two samples or more are needed")
    return features.mean((2, 3)) if features.dim() == 4 else features


def moments(features: Tensor) -> Moments:
    """Mean and deviation (biased, plus 1e-5) of each channel over the batch; see :func:`pooled`. Batches of 32 or more are advised."""
    vectors = pooled(features)
    return Moments(vectors.mean(0), vectors.std(0, unbiased=False) + EPSILON)


def narrowed(features: Tensor, width: int) -> Tensor:
    """Features ``(N, C)`` averaged over neighbouring channels to ``(N, width)``; the pairing of channels is arbitrary."""
    return functional.adaptive_avg_pool1d(features, width)


def quantiles(values: Tensor, width: int) -> Tensor:
    """Sorted ``(C,)`` read at ``width`` equally spaced quantiles (linear interpolation): independent of the channels' order."""
    ordered = values.sort().values
    position = torch.linspace(0, len(values) - 1, width, dtype=values.dtype, device=values.device)
    low = position.floor().long().clamp(max=max(len(values) - 2, 0))
    high = (low + 1).clamp(max=len(values) - 1)
    return torch.lerp(ordered[low], ordered[high], position - low)


class StudentMap(nn.Linear):
    """Learned map of the student's features ``(N, C)`` to the teacher's width; thrown away after the training."""

    def __init__(self, student_width: int, teacher_width: int) -> None:
        super().__init__(student_width, teacher_width, bias=False)
