"""Random numbers that depend on what they are for, never on who drew before."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Keys = npt.NDArray[np.uint64]
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(values: Keys) -> Keys:
    """SplitMix64's output function (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _joined(keys: Keys, value: int) -> Keys:
    return _mixed(keys ^ _mixed(np.array([value], np.uint64) + GOLDEN))


class Draws:
    """Random numbers for a batch, one of each kind for each of its items, on the CPU.

    The same seed, epoch, item, name and number give the same value in any batch, process and order.

    Args:
        keys: uint64 ``(N,)``, one for each item; see :meth:`of`.
    """

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    @classmethod
    def of(cls, seed: int, epoch: int, items: Tensor | Sequence[int]) -> Draws:
        """Draws of items (image numbers, say; int64 ``(N,)``, not negative) in one epoch of a training with ``seed``."""
        numbers = np.asarray(items, np.int64).astype(np.uint64)
        start = _joined(_joined(np.zeros(1, np.uint64), seed), epoch)
        return cls(_mixed(start ^ _mixed(numbers + GOLDEN)))

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, index: slice) -> Draws:
        return Draws(self.keys[index])

    def named(self, name: str) -> Draws:
        """Independent draws of the same items for the use ``name``."""
        return Draws(_joined(self.keys, zlib.crc32(name.encode())))

    def uniform(self, number: int) -> npt.NDArray[np.float64]:
        """Values in [0, 1), ``(N,)``; each ``number`` gives others."""
        return (_joined(self.keys, number) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def integers(self, number: int, bound: int) -> npt.NDArray[np.int64]:
        """Integers of 0 to ``bound - 1`` (below 2**32), ``(N,)``."""
        return (((_joined(self.keys, number) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)

    def normal(self, number: int) -> npt.NDArray[np.float64]:
        """Standard normal values ``(N,)``, by Box and Muller from the uniform ones of ``2 number`` and ``2 number + 1``."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(2 * number)))
        return radius * np.cos(2.0 * np.pi * self.uniform(2 * number + 1))

    def seeds(self) -> list[int]:
        """One seed of a generator for each item, 63 bits."""
        return [int(value) for value in _mixed(self.keys) >> np.uint64(1)]


@contextmanager
def seeded_torch() -> Iterator[torch.Generator]:
    """PyTorch's generator of the CPU, from which torchvision's transforms draw, to be seeded at will; afterwards it is as it was."""
    state = torch.get_rng_state()
    try:
        yield torch.default_generator
    finally:
        torch.set_rng_state(state)
