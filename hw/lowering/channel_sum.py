"""The sum of each channel over a window, as a Linear that keeps no matrix: an image of 112x112 pixels would need gigabytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from xnorflow.hw.lowering.float_nodes import Linear
from xnorflow.hw.types import IntType


@dataclass(frozen=True, eq=False, kw_only=True)
class ChannelSum(Linear):
    """A Linear whose ``codes[m, :, :, c]`` are 1 where ``m = c`` and 0 elsewhere, a view of one identity."""

    @classmethod
    def over(cls, kernel: tuple[int, int], channels: int, scale: np.float32, **fields: Any) -> ChannelSum:
        """The sum over windows of a kernel, times a scale."""
        eye = np.eye(channels, dtype=np.int64)[:, None, None, :]
        codes = np.broadcast_to(eye, (channels, *kernel, channels))
        return cls(codes=codes, weight_type=IntType(1, signed=False), scale=np.full(channels, scale, dtype=np.float32), **fields)

    @property
    def only_adds(self) -> bool:
        return self.taps > 1

    @property
    def taps(self) -> int:
        """Pixels that are added up."""
        return int(self.codes.shape[1] * self.codes.shape[2])

    def alone(self) -> Linear:
        """The same for one channel; what is true of the sums of one is true of all."""
        codes = np.ones((1, *self.codes.shape[1:3], 1), dtype=np.int64)
        return Linear(name=self.name, inputs=self.inputs, outputs=self.outputs, codes=codes, weight_type=self.weight_type, scale=self.scale[:1])

    def product(self, windows: Any) -> Any:
        return self._totals(windows) * self.scale.astype(np.float64)

    def magnitude(self, windows: Any) -> Any:
        return self._totals(np.abs(windows)) * np.abs(self.scale.astype(np.float64))

    def magnitudes(self) -> Any:
        return self.taps * np.abs(self.scale.astype(np.float64))

    def code_sums(self, values: Any) -> Any:
        return self.taps * np.broadcast_to(values, (len(self.scale),))

    def weight_sums(self, values: Any) -> Any:
        return self.taps * self.scale.astype(np.float64) * values

    def _totals(self, windows: Any) -> Any:
        return windows.reshape(*windows.shape[:-1], self.taps, len(self.scale)).sum(axis=-2)
