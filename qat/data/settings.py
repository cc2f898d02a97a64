"""The data section of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm


@dataclass(frozen=True)
class DataSettings:
    """Which images, and how they are normalised and varied.

    Attributes:
        source: ``digits``, ``mnist=DIR``, ``cifar10=DIR`` or ``folder=DIR``; a recipe may name only the kind.
        pixel_scale: factor of a pixel, as a fraction.
        pixel_mean, pixel_std: per channel, or one value for all; numbers or fractions such as ``128/255``.
        crop: random crop of the image within a black border of this many pixels; 0 for none.
        flip: random horizontal flip.
        limit_train: train on this many images only (the first of one fixed shuffle); None for all.
    """

    source: str
    pixel_scale: str = "1/255"
    pixel_mean: tuple[float, ...] = (128 / 255,)
    pixel_std: tuple[float, ...] = (128 / 255,)
    crop: int = 0
    flip: bool = False
    limit_train: int | None = None

    def __post_init__(self) -> None:
        if self.crop < 0:
            raise BadInputError(f"data.crop {self.crop} is negative")
        if self.limit_train is not None and self.limit_train < 2:
            raise BadInputError(f"data.limit_train {self.limit_train} is below 2; batch norm needs two images")

    def pixel_norm(self) -> PixelNorm:
        """The normalisation.

        Raises:
            BadInputError: the scale is no positive fraction, or the values are not usable.
        """
        try:
            scale = Fraction(self.pixel_scale)
        except (ValueError, ZeroDivisionError) as error:
            raise BadInputError(f"data.pixel_scale {self.pixel_scale!r} is no fraction; 1/255 is one") from error
        return PixelNorm(scale, self.pixel_mean, self.pixel_std)
