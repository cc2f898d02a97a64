"""Networks that nobody trained: ``scatter`` their batch norms, then let them ``follow`` images."""

from __future__ import annotations

import torch
from torch import nn


def scatter(network: nn.Module) -> None:
    """Give the batch norms random offsets and random factors of both signs, in place."""
    for layer in (m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias, std=0.3)
        layer.momentum = 1.0


def follow(network: nn.Module, images: torch.Tensor) -> nn.Module:
    """The network in evaluation mode, the statistics of its scattered batch norms those of the images ``(N, C, H, W)``."""
    with torch.no_grad():
        network.train()(images)
    return network.eval()
