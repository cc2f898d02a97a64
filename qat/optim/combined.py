"""Several optimisers as one: signs by one rule, real-valued parameters by another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from xnorflow.errors import BadInputError


class CombinedOptimizer(Optimizer):
    """Steps its parts in order; their parameter groups are its own, so that one schedule reaches all of them.

    Args:
        parts: optimisers over disjoint parameters.
    """

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        parameters = [parameter for part in parts for group in part.param_groups for parameter in group["params"]]
        if not parts or len({id(parameter) for parameter in parameters}) != len(parameters):
            raise BadInputError("combined optimiser: one part or more over disjoint parameters is needed")
        self.parts = list(parts)
        super().__init__(parameters, {})
        self._share_groups()

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch declares two overloads
        """Step every part; ``closure`` is called once."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        saved = state_dict.get("parts", [])
        if len(saved) != len(self.parts):
            raise BadInputError(f"combined optimiser: the state has {len(saved)} parts, {len(self.parts)} are expected")
        for part, state in zip(self.parts, saved, strict=True):
            part.load_state_dict(state)
        self._share_groups()

    def _share_groups(self) -> None:
        self.param_groups = [group for part in self.parts for group in part.param_groups]
