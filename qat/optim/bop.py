"""Optimisers that hold no latent weights: they flip signs (BOP and its second-order form)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from xnorflow.errors import BadInputError
from xnorflow.qat.estimators import sign
from xnorflow.qat.optim.rates import SCHEDULES

SMALL = 1e-10
DECAYS = tuple(name for name in SCHEDULES if name != "step")


@dataclass(frozen=True)
class BopSettings:
    """How a recipe has binary weights flipped, without latents.

    Attributes:
        gamma: adaptivity rate, in (0, 1].
        threshold: tau of both forms.
        sigma: rate of the second moment, in (0, 1], for the second-order form; None for the first-order one.
        schedule: how gamma decays over the stage: ``linear``, ``cosine`` or ``constant``; the warm-up is not for it.
        gamma_end: what it decays to.
    """

    gamma: float = 1e-4
    threshold: float = 1e-8
    sigma: float | None = None
    schedule: str = "linear"
    gamma_end: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.gamma <= 1 and 0 <= self.gamma_end <= self.gamma and (self.sigma is None or 0 < self.sigma <= 1)):
            raise BadInputError(
                f"train.bop: gamma {self.gamma} or sigma {self.sigma} is not in (0, 1], or gamma_end {self.gamma_end} not between 0 and gamma"
            )
        if not self.threshold >= 0:
            raise BadInputError(f"train.bop: threshold {self.threshold} is negative")
        if self.schedule not in DECAYS:
            raise BadInputError(f"train.bop: schedule {self.schedule!r} is not known; known are {', '.join(DECAYS)}")
        if self.gamma_end and self.schedule == "constant":
            raise BadInputError(f"train.bop: gamma_end {self.gamma_end} is for a schedule that falls, and this one is constant")

    def make(self, weights: Iterable[Tensor]) -> Bop:
        """The optimiser over binary ``weights``, which become signs."""
        return Bop(weights, lr=self.gamma, threshold=self.threshold, second_moment=self.sigma)


class Bop(Optimizer):
    """Flip a weight when its averaged gradient is strong and has the weight's sign (Helwegen et al. 2019, Algorithm 1).

    ``m <- (1 - lr) * m + lr * g``; flip where ``|m| > threshold`` and ``sign(m) == w``. The adaptivity rate gamma is the
    group's ``lr``, so that any learning-rate schedule decays it. No bias correction. The weights are set to their signs first.

    With ``second_moment`` (Suarez-Ramirez et al. 2021): ``v <- (1 - sigma) * v + sigma * g**2`` and ``m / (sqrt(v) + 1e-10)`` is
    compared with the threshold.

    Args:
        params: binary weights, or groups of them.
        lr: adaptivity rate gamma, in (0, 1].
        threshold: 1e-8 was best of 1e-7 to 1e-9 for BOP; 1e-6 is usual for the second-order form.
        second_moment: sigma, in (0, 1]; None for the first-order form.
    """

    def __init__(
        self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-4, threshold: float = 1e-8, second_moment: float | None = None
    ) -> None:
        if not (0 < lr <= 1 and threshold >= 0 and (second_moment is None or 0 < second_moment <= 1)):
            raise BadInputError(
                f"bop: gamma {lr}, threshold {threshold}, sigma {second_moment}; gamma and sigma in (0, 1] and a threshold of at least 0 are accepted"
            )
        super().__init__(params, {"lr": lr, "threshold": threshold, "second_moment": second_moment})
        with torch.no_grad():
            for group in self.param_groups:
                for weight in group["params"]:
                    weight.copy_(sign(weight))

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch declares two overloads
        """Update the averages and flip; returns what ``closure`` returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._flip(weight, weight.grad, group)
        return loss

    def _flip(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["mean"] = torch.zeros_like(weight)
            if group["second_moment"] is not None:
                state["square"] = torch.zeros_like(weight)
        mean = state["mean"].lerp_(gradient, group["lr"])
        signal = mean
        if group["second_moment"] is not None:
            square = state["square"].lerp_(gradient.square(), group["second_moment"])
            signal = mean / (square.sqrt() + SMALL)
        flips = (signal.abs() > group["threshold"]) & (sign(signal) == weight)
        weight.copy_(torch.where(flips, -weight, weight))
