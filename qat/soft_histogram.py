"""A histogram that gradients pass through."""

from __future__ import annotations

import torch
from torch import Tensor

from xnorflow.errors import BadInputError

FLOOR = 1e-6
CHUNK = 1 << 22  # values times centres handled in one operation: few calls for small layers, little memory for large ones


def soft_histogram(values: Tensor, *, centres: int = 64, reach: float = 3.0, bandwidth: float = 0.1) -> Tensor:
    """Distribution of values over Gaussian bins, one distribution per row.

    Each value spreads a Gaussian of the given bandwidth over equally spaced centres in ``[-reach, reach]``; a row's sums are
    normalised, 1e-6 is added, and they are normalised again, so that logarithms stay finite.

    Args:
        values: float ``(rows, n)``, standardised so that ``reach`` covers them.
        centres: number of bins, at least 2.
        reach: half-width of the range.
        bandwidth: standard deviation of a value's Gaussian.

    Returns:
        ``(rows, centres)``, positive, rows sum to 1, differentiable.
    """
    if values.dim() != 2 or centres < 2 or reach <= 0 or bandwidth <= 0:
        raise BadInputError(
            f"soft histogram of shape {tuple(values.shape)}, {centres} centres, reach {reach}, bandwidth {bandwidth}: "
            "(rows, n), two centres or more and positive numbers are accepted"
        )
    points = torch.linspace(-reach, reach, centres, dtype=values.dtype, device=values.device)
    together = max(1, CHUNK // max(values.numel(), 1))
    mass = torch.cat([torch.exp(-0.5 * ((values[..., None] - some) / bandwidth).square()).sum(1) for some in torch.split(points, together)], 1)
    shares = mass / mass.sum(1, keepdim=True).clamp(min=FLOOR) + FLOOR
    return shares / shares.sum(1, keepdim=True)


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """``KL(p || q)`` of each row of two positive ``(rows, bins)`` distributions; shape ``(rows,)``, never negative beyond rounding."""
    return (p * (p.log() - q.log())).sum(1)
