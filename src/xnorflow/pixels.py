"""How integer pixels become the float32 image a network was trained on: one rule for training, export and hardware.

``x = pixel * numerator / denominator``, then ``x - mean``, then ``x / std``, each step rounded to float32 and in this
order (the order of torchvision's ``ToDtype(scale=True)`` and ``Normalize``), so that every part of xnorflow computes
the same bits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError
from xnorflow.records import parse_json

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PixelNorm:
    """The normalisation of one data set.

    Attributes:
        scale: exact rational factor of a pixel, ``Fraction(1, 255)`` by default.
        mean: per-channel values subtracted after scaling; empty for none.
        std: per-channel divisors applied last; empty for none.
    """

    scale: Fraction = Fraction(1, 255)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(map(_fits_float32, (self.scale.numerator, self.scale.denominator))):
            raise BadInputError("pixel scale has a numerator or denominator beyond float32; give a fraction such as 1/255")
        if self.scale <= 0:
            raise BadInputError(f"pixel scale {self.scale} is not positive; give a fraction such as 1/255")
        if not all(map(_fits_float32, (*self.mean, *self.std))):
            raise BadInputError(f"pixel mean {self.mean} or std {self.std} is not finite in float32")
        if any(np.float32(v) <= 0 for v in self.std):
            raise BadInputError(f"pixel std {self.std} has a value that is not positive in float32")

    def apply(self, pixels: npt.NDArray[Any]) -> FloatArray:
        """Normalise integer pixels, channel on the last axis; returns float32 of the same shape.

        Raises:
            BadInputError: mean or std has neither one value nor one per channel.
        """
        channels = pixels.shape[-1]
        x = pixels.astype(np.float32)
        if self.scale.numerator != 1:
            x = x * np.float32(self.scale.numerator)
        if self.scale.denominator != 1:
            x = x / np.float32(self.scale.denominator)
        if self.mean:
            x = x - _per_channel(self.mean, channels, "mean")
        if self.std:
            x = x / _per_channel(self.std, channels, "std")
        return x

    def to_json(self) -> str:
        """Serialise for the metadata of a checkpoint or a QONNX file."""
        return json.dumps({"scale": str(self.scale), "mean": list(self.mean), "std": list(self.std)})

    @classmethod
    def from_json(cls, text: str) -> PixelNorm:
        """Read what :meth:`to_json` wrote.

        Raises:
            BadInputError: the text is not such a record.
        """
        try:
            raw = parse_json(text, "pixel normalisation")
            return cls(Fraction(raw["scale"]), tuple(map(float, raw["mean"])), tuple(map(float, raw["std"])))
        except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
            raise BadInputError(f"pixel normalisation {text!r} cannot be read: {error}") from error


def _fits_float32(value: float) -> bool:
    return abs(value) <= float(np.finfo(np.float32).max)


def _per_channel(values: tuple[float, ...], channels: int, what: str) -> FloatArray:
    if len(values) not in (1, channels):
        raise BadInputError(f"pixel {what} has {len(values)} values; an image of {channels} channels takes 1 or {channels}")
    return np.asarray(values, dtype=np.float32)
