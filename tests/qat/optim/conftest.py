"""A problem with a binary solution, learned in a second: labels are the largest of ten binary scores."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

EPOCHS = 30
BATCH = 64


class Problem:
    """1024 points of 32 dimensions and a linear layer with batch norm; ``quantiser`` maps latents to weights."""

    def __init__(self, seed: int = 0, quantiser: nn.Module | None = None) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.points = torch.randn(1024, 32, generator=generator)
        truth = torch.where(torch.rand(10, 32, generator=generator) < 0.5, -1.0, 1.0)
        self.labels = (self.points @ truth.T).argmax(1)
        self.weight = nn.Parameter(torch.rand(10, 32, generator=generator) * 0.6 - 0.3)
        self.norm = nn.BatchNorm1d(10)
        self.quantiser = nn.Identity() if quantiser is None else quantiser
        self.order = generator

    def reals(self) -> list[nn.Parameter]:
        return list(self.norm.parameters())

    def parameters(self) -> list[nn.Parameter]:
        return [self.weight, *self.reals()]

    def logits(self, points: Tensor) -> Tensor:
        out: Tensor = self.norm(points @ self.quantiser(self.weight).T)
        return out

    def train(self, optimizer: Optimizer, start_epoch: Callable[[int, int], None] = lambda epoch, epochs: None, epochs: int = EPOCHS) -> None:
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 - epoch / epochs)
        for epoch in range(epochs):
            start_epoch(epoch, epochs)
            for batch in torch.randperm(len(self.points), generator=self.order).split(BATCH):
                optimizer.zero_grad()
                functional.cross_entropy(self.logits(self.points[batch]), self.labels[batch]).backward()
                optimizer.step()
            schedule.step()

    def accuracy(self) -> float:
        """Percent, with the statistics of the whole set."""
        with torch.no_grad():
            self.norm.train()
            return 100 * float((self.logits(self.points).argmax(1) == self.labels).float().mean())


@pytest.fixture
def problem() -> type[Problem]:
    return Problem
