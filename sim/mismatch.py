"""The first difference between two arrays that must be equal, in the words of a report: node, image, pixel, channel, both values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Difference:
    """Where two executions part.

    Attributes:
        image: index of the image.
        position: index in the frame, ``(y, x, channel)`` or ``(channel,)``.
        got, wanted: both values.
        count: elements that differ in that image.
    """

    image: int
    position: tuple[int, ...]
    got: float
    wanted: float
    count: int

    def text(self, where: str, got_name: str, wanted_name: str) -> str:
        """One line for the user."""
        pixel = f", pixel {self.position[:-1]}" if len(self.position) > 1 else ""
        return (
            f"{got_name} differs from {wanted_name} at {where}: image {self.image}{pixel}, channel {self.position[-1]}: "
            f"{got_name} {self.got!r}, {wanted_name} {self.wanted!r} ({self.count} elements of this image differ)"
        )


def first_difference(got: npt.NDArray[Any], wanted: npt.NDArray[Any], first_image: int = 0) -> Difference | None:
    """Compare arrays ``(N, *shape)`` by ``==``; NaN differs from everything, and float zeros of either sign are equal.

    Args:
        got: one array; it may hold fewer images than the other, then only those are compared.
        wanted: the other.
        first_image: number of the first image, for the report.
    """
    unequal = got != wanted[: len(got)]
    images = np.flatnonzero(unequal.reshape(len(got), -1).any(axis=1)) if len(got) else np.empty(0, dtype=np.int64)
    if not images.size:
        return None
    image = int(images[0])
    position = tuple(int(i) for i in np.argwhere(unequal[image])[0])
    return Difference(first_image + image, position, got[image][position].item(), wanted[image][position].item(), int(unequal[image].sum()))
