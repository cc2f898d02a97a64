"""The data section of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.augmentations.line import AugmentationLine
from xnorflow.qat.data.view import EvaluationView

if TYPE_CHECKING:
    from xnorflow.qat.augmentations.pipeline import Pipeline


@dataclass(frozen=True)
class DataSettings:
    """Which images, and how they are normalised and varied.

    Attributes:
        source: ``digits``, ``mnist=DIR``, ``cifar10=DIR``, ``cifar100=DIR``, ``folder=DIR`` or ``imagenet=DIR``; a recipe may name
            only the kind.
        pixel_scale: factor of a pixel, as a fraction.
        pixel_mean, pixel_std: per channel, or one value for all; numbers or fractions such as ``128/255``.
        crop: random crop of the image within a black border of this many pixels; 0 for none. Short for a line of ``augment``.
        flip: random horizontal flip; short for a line of ``augment``.
        augment: augmentations in order, after ``crop`` and ``flip``.
        limit_train: train on this many images only (the first of one fixed shuffle); None for all.
        size: of the square images a network takes from ``folder`` or ``imagenet``, whose files are then decoded when they are
            needed; None for a ``folder`` of images that have one size.
        crop_ratio: evaluation resizes the shorter side to ``size / crop_ratio`` and cuts out the middle; so does training without
            ``random-resized-crop``.
        interpolation: of that resizing, ``nearest``, ``bilinear`` or ``bicubic``.
        workers: processes that decode and vary images; 0 for the training process itself. No pixel depends on it.
        device_megabytes: a data set in memory of up to this size stays on the training device and is varied there; 0 for none.
    """

    source: str
    pixel_scale: str = "1/255"
    pixel_mean: tuple[float, ...] = (128 / 255,)
    pixel_std: tuple[float, ...] = (128 / 255,)
    crop: int = 0
    flip: bool = False
    augment: tuple[AugmentationLine, ...] = ()
    limit_train: int | None = None
    size: int | None = None
    crop_ratio: float = 0.875
    interpolation: str = "bilinear"
    workers: int = 0
    device_megabytes: int = 1024

    def __post_init__(self) -> None:
        for name in ("crop", "workers", "device_megabytes"):
            if getattr(self, name) < 0:
                raise BadInputError(f"data.{name} {getattr(self, name)} is negative")
        if self.limit_train is not None and self.limit_train < 2:
            raise BadInputError(f"data.limit_train {self.limit_train} is below 2; batch norm needs two images")
        self.view()
        self.pipeline()

    def view(self) -> EvaluationView:
        """How images are brought to the network's size for evaluation."""
        return EvaluationView(self.size, self.crop_ratio, self.interpolation)

    def pipeline(self) -> Pipeline:
        """The augmentations, those of ``crop`` and ``flip`` first."""
        from xnorflow.qat.augmentations.pipeline import Pipeline  # imports torchvision, which readers of checkpoints do not need

        crop = [AugmentationLine("crop", {"border": self.crop})] if self.crop else []
        flip = [AugmentationLine("flip")] if self.flip else []
        return Pipeline([*crop, *flip, *self.augment])

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
