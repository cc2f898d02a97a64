"""The optimiser and the learning-rate schedule that a recipe's train section describes."""

from __future__ import annotations

import math

import torch
from torch import nn

from xnorflow.qat.train_settings import TrainSettings


def build_optimiser(network: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """The optimiser over all parameters of a quantised network."""
    parameters = network.parameters()
    if settings.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=settings.lr, weight_decay=settings.weight_decay)
    return torch.optim.SGD(parameters, lr=settings.lr, weight_decay=settings.weight_decay, momentum=0.9)


class RateSchedule:
    """Factor of the learning rate at a step.

    Args:
        settings: schedule and warm-up.
        total_steps: iterations of the whole stage.
    """

    def __init__(self, settings: TrainSettings, total_steps: int) -> None:
        self.schedule = settings.schedule
        self.total = total_steps
        self.rising = settings.warmup * total_steps

    def __call__(self, step: int) -> float:
        """The factor after ``step`` iterations."""
        if step < self.rising:
            return (step + 1) / (self.rising + 1)
        if self.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - self.rising) / (self.total - self.rising))))
