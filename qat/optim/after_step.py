"""Apply a rule to binary weights after every step of any optimiser."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from xnorflow.errors import BadInputError


class WeightRule(Protocol):
    """What happens to one weight tensor after the optimiser has moved it."""

    def set_epoch(self, epoch: int, epochs: int) -> None:
        """Say that epoch ``epoch`` (0 first) of ``epochs`` begins."""

    def apply(self, weight: Tensor, lr: float) -> None:
        """Change ``weight`` (any shape) in place; ``lr`` is the optimiser's rate of this step."""


def attach(optimizer: Optimizer, weights: Iterable[Tensor], rule: WeightRule) -> RemovableHandle:
    """Apply ``rule`` to ``weights`` after every step of ``optimizer``; weights without a gradient are left alone.

    Rules attached first act first. A step that a gradient scaler skips applies nothing. Resuming needs no state of the
    rule beyond :meth:`WeightRule.set_epoch`.

    Raises:
        BadInputError: a weight is not one of the optimiser's parameters.
    """
    chosen = {id(weight) for weight in weights}
    owned = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if not chosen or not chosen <= owned:
        raise BadInputError(f"{len(chosen - owned)} of {len(chosen)} binary weights are not in the optimiser; a rule needs one or more, all in it")

    def hook(stepped: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        with torch.no_grad():
            for group in stepped.param_groups:
                for parameter in group["params"]:
                    if id(parameter) in chosen and parameter.grad is not None:
                        rule.apply(parameter, float(group["lr"]))

    return optimizer.register_step_post_hook(hook)
