"""Rotated weights (RBNN)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from xnorflow.qat.binarisers.schedule import Scheduled
from xnorflow.qat.binarisers.transforms import standardised
from xnorflow.qat.estimators import sign

ALTERNATIONS = 3
NEVER = -1


class Rotation(Scheduled):
    """Turn each filter toward its sign: ``v + |sin(angle)| * (left.T @ v @ right - v)`` of the standardised filter ``v`` (Lin et al. 2020, RBNN).

    A filter of ``n`` weights is a matrix of ``a * b = n`` entries, ``a`` the greatest divisor up to the root of ``n``; ``left`` and
    ``right`` are orthogonal, ``a`` and ``b`` wide, one pair a layer. They turn at the first training step of each epoch: three times
    the signs, then ``left``, then ``right`` are each set to the best for the other two (Eq. 8 to 11), which never lowers the sum of the
    magnitudes. The gradient flows through the rotation, not into it, and to one ``angle`` a filter. The public code does not rotate the
    gradient; the paper does.

    The pair, and the epoch in which it last turned, are buffers, so a resumed training does not turn twice.

    Args:
        module: the layer whose weights are rotated, ``(out, ...)``; Brevitas gives it.
    """

    left: Tensor
    right: Tensor
    turned: Tensor

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        weight = module.weight
        assert isinstance(weight, Tensor)
        rows, columns = sides(weight[0].numel())
        self.register_buffer("left", torch.eye(rows))
        self.register_buffer("right", torch.eye(columns))
        self.register_buffer("turned", torch.tensor(NEVER))
        self.angle = nn.Parameter(torch.rand(len(weight), 1, 1) * math.pi / 2)
        self.epoch = NEVER

    def set_epoch(self, epoch: float, epochs: int) -> None:
        self.epoch = int(epoch)

    def forward(self, weight: Tensor) -> Tensor:
        """Transformed weights, shape ``(out, ...)`` kept; differentiable."""
        # Signs near zero must not depend on the precision of the training, which ends with those of float32.
        with torch.autocast(weight.device.type, enabled=False):
            matrices = standardised(weight).reshape(len(weight), len(self.left), len(self.right))
            if self.training and self.epoch != NEVER:
                self._turn(matrices.detach())
            rotated = self.left.T @ matrices @ self.right
            mixed = matrices + torch.sin(self.angle).abs() * (rotated - matrices)
            return mixed.view_as(weight)

    @torch.no_grad()
    def _turn(self, matrices: Tensor) -> None:
        due, self.epoch = self.epoch, NEVER
        if due == int(self.turned):
            return
        for _ in range(ALTERNATIONS):
            signs = sign(self.left.T @ matrices @ self.right)
            self.left.copy_(_nearest((matrices @ self.right @ signs.mT).sum(0)))
            self.right.copy_(_nearest((matrices.mT @ self.left @ signs).sum(0)))
        self.turned.fill_(due)


def sides(count: int) -> tuple[int, int]:
    """The two factors of ``count`` that are nearest its root, the smaller first."""
    rows = next(rows for rows in range(math.isqrt(count), 0, -1) if count % rows == 0)
    return rows, count // rows


def _nearest(matrix: Tensor) -> Tensor:
    """The orthogonal matrix ``R`` with the greatest ``trace(R.T @ matrix)`` (orthogonal Procrustes problem)."""
    left, _, right = torch.linalg.svd(matrix)
    nearest: Tensor = left @ right
    return nearest
