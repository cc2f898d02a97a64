"""One half of a data set, in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

SplitName = Literal["train", "test"]
PixelArray = npt.NDArray[np.uint8]
LabelArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Images and labels.

    Attributes:
        images: uint8 ``(N, H, W, C)``, 0 to 255.
        labels: int64 ``(N,)``, indices into ``classes``.
        classes: names of the classes.
    """

    images: PixelArray
    labels: LabelArray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """``(C, H, W)`` of one image."""
        _, height, width, channels = self.images.shape
        return channels, height, width

    def head(self, count: int | None) -> Split:
        """The first ``count`` images, or all of them for None."""
        return Split(self.images[:count], self.labels[:count], self.classes)

    def shuffled(self, seed: int) -> Split:
        """The same images in an order that ``seed`` decides."""
        order = np.random.RandomState(seed).permutation(len(self))
        return Split(self.images[order], self.labels[order], self.classes)

    def digest(self) -> str:
        """SHA-256, in hexadecimal, of shape, classes, labels and pixels: equal for equal images in the same order, from any source."""
        digest = hashlib.sha256(json.dumps([self.images.shape, self.classes]).encode())
        digest.update(np.ascontiguousarray(self.labels.astype("<i8")).data)
        digest.update(np.ascontiguousarray(self.images).data)
        return digest.hexdigest()
