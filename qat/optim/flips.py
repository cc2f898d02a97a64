"""How many weights changed their sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


class FlipCounter:
    """Remembers the signs of ``weights``; each :meth:`lap` tells the share that changed since the last.

    Args:
        weights: read at construction and at each lap.
        transforms: of each weight, what the sign is taken of; none for the weights themselves.

    Attributes:
        start: signs at construction, boolean, one tensor a weight.

    The weights may go to another device in between; the remembered signs follow them.
    """

    def __init__(self, weights: Sequence[Tensor], transforms: Sequence[Callable[[Tensor], Tensor]] = ()) -> None:
        self.weights = list(weights)
        self.transforms = list(transforms) or [torch.Tensor.detach] * len(self.weights)
        self.start = self._signs()
        self.last = self.start

    def lap(self) -> float:
        """Share of signs that changed since the last call, or since construction."""
        now = self._signs()
        previous, self.last = _beside(self.last, now), now
        return self._share(previous, now)

    def since_start(self) -> float:
        """Share of signs that differ from those at construction."""
        now = self._signs()
        self.start = _beside(self.start, now)
        return self._share(self.start, now)

    def _signs(self) -> list[Tensor]:
        with torch.no_grad():
            return [transform(weight) >= 0 for weight, transform in zip(self.weights, self.transforms, strict=True)]

    def _share(self, before: list[Tensor], after: list[Tensor]) -> float:
        flips = sum(int(torch.count_nonzero(a != b)) for a, b in zip(before, after, strict=True))
        return flips / sum(weight.numel() for weight in self.weights)


def _beside(signs: list[Tensor], now: list[Tensor]) -> list[Tensor]:
    """The same signs on the devices of others."""
    return [a.to(b.device) for a, b in zip(signs, now, strict=True)]
