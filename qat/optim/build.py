"""The optimiser and the learning-rate schedule that a recipe's train section describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from xnorflow.errors import BadInputError
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.optim.bop import Bop
from xnorflow.qat.optim.combined import CombinedOptimizer
from xnorflow.qat.optim.groups import GroupSettings, parameter_groups
from xnorflow.qat.optim.rates import RateSchedule
from xnorflow.qat.train_settings import TrainSettings

BINARY = GroupSettings("binary")


def build_optimiser(network: nn.Module, settings: TrainSettings) -> Optimizer:
    """The optimiser over all parameters of a quantised network, in the recipe's groups.

    Raises:
        BadInputError: a group matches nothing, two overlap, or the network has no binary weights to flip.
    """
    if settings.bop is None:
        return _gradient_optimiser(parameter_groups(network, settings.groups, lr=settings.lr, weight_decay=settings.weight_decay), settings)
    if not latent_weights(network):
        raise BadInputError("train.bop flips binary weights, and the network has none")
    binary, *real = parameter_groups(network, (BINARY, *settings.groups), lr=settings.lr, weight_decay=settings.weight_decay)
    flipper = settings.bop.make(binary["params"])
    return CombinedOptimizer([*([_gradient_optimiser(real, settings)] if real else []), flipper])


def build_schedule(optimiser: Optimizer, settings: TrainSettings, steps_per_epoch: int) -> LambdaLR:
    """The schedule of every group's rate, gamma of the flipped weights included; to be advanced after each step.

    Args:
        optimiser: what :func:`build_optimiser` gave.
        settings: the same.
        steps_per_epoch: batches of one epoch.
    """
    parts: Sequence[Optimizer] = optimiser.parts if isinstance(optimiser, CombinedOptimizer) else [optimiser]
    rates: list[Callable[[int], float]] = []
    for part in parts:
        flips = isinstance(part, Bop)
        schedule = gamma_schedule(settings, steps_per_epoch) if flips else rate_schedule(settings, steps_per_epoch)
        rates += [schedule] * len(part.param_groups)
    return LambdaLR(optimiser, rates)


def rate_schedule(settings: TrainSettings, steps_per_epoch: int) -> RateSchedule:
    """The factor of the learning rate at each step of a stage."""
    total = settings.epochs * steps_per_epoch
    return RateSchedule(
        settings.schedule,
        total,
        stride=steps_per_epoch if settings.schedule_unit == "epoch" else 1,
        rising=settings.warmup_epochs * steps_per_epoch or settings.warmup * total,
        start=settings.warmup_lr / settings.lr,
        end=settings.lr_end / settings.lr,
        drops=tuple(epoch * steps_per_epoch for epoch in settings.step_epochs),
        factor=settings.step_factor,
    )


def gamma_schedule(settings: TrainSettings, steps_per_epoch: int) -> RateSchedule:
    """The factor of Bop's gamma at each step of a stage whose binary weights are flipped."""
    assert settings.bop is not None
    return RateSchedule(
        settings.bop.schedule,
        settings.epochs * steps_per_epoch,
        stride=steps_per_epoch if settings.schedule_unit == "epoch" else 1,
        end=settings.bop.gamma_end / settings.bop.gamma,
    )


def _gradient_optimiser(groups: list[dict[str, Any]], settings: TrainSettings) -> Optimizer:
    match settings.optimiser:
        case "adam":
            return torch.optim.Adam(groups, lr=settings.lr, betas=settings.betas)
        case "adamw":
            return torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas)
        case _:
            return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, nesterov=settings.nesterov)
