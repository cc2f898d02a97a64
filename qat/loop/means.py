"""Means over an epoch that a resumed epoch takes up where it was left."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class EpochMeans:
    """Sums values step by step, without waiting for a device."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.steps = 0

    def add(self, values: Mapping[str, Tensor]) -> None:
        """One step's scalars, the same names at each."""
        for name, value in values.items():
            known = self.sums.get(name)
            self.sums[name] = value.detach().double() if known is None else known.add_(value.detach())
        self.steps += 1

    def take(self) -> dict[str, float]:
        """The means, of all processes, and begin anew."""
        sums, steps = self.sums, self.steps
        self.sums, self.steps = {}, 0
        if not sums:
            return {}
        stacked = torch.stack(list(sums.values())) / steps
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.all_reduce(stacked)
            stacked /= torch.distributed.get_world_size()
        return dict(zip(sums, stacked.tolist(), strict=True))

    def state_dict(self) -> dict[str, object]:
        """Sums and number of steps, as tensors and plain types."""
        return {"sums": {name: value.cpu() for name, value in self.sums.items()}, "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, object], device: torch.device) -> None:
        """Go on from a state."""
        sums, steps = state["sums"], state["steps"]
        assert isinstance(sums, dict)
        assert isinstance(steps, int)
        self.sums, self.steps = {name: value.to(device) for name, value in sums.items()}, steps
