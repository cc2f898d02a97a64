"""How many bits each part of an integerised network has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from xnorflow.errors import BadInputError
from xnorflow.qat.integerise.fine_tune_settings import FineTuneSettings
from xnorflow.qat.settings import from_mapping, override

KEPT = 0
SMALLEST, LARGEST_WEIGHT, LARGEST = 2, 8, 16


@dataclass(frozen=True)
class BitSettings:
    """Bits of weights and activations by part; the defaults are those of the BNext paper (section 7.5) with the gates at 8.

    Attributes:
        stem: weights of the first convolution, and bits kept of a pixel.
        downsample: weights of real 1x1 convolutions on skip paths, and of their inputs; 0 keeps as many as are exact.
        se: weights of the matrices of gates and squeeze-and-excite, and of everything they read and make.
        classifier: weights of the last layer, and of its inputs.
        stream: of the residual stream.
        inner: of values inside a unit, in front of a PReLU, a gate or a product.
        coefficient: of the factors that batch norms and scales become, sign included.
        slope: behind the binary point of the slopes of PReLUs.
        accumulator: a sum with more bits is rounded to so many where its product with a factor would not be exact.
    """

    stem: tuple[int, int] = (8, 8)
    downsample: tuple[int, int] = (8, KEPT)
    se: tuple[int, int] = (8, 8)
    classifier: tuple[int, int] = (8, 8)
    stream: int = 9
    inner: int = 12
    coefficient: int = 12
    slope: int = 8
    accumulator: int = 12

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            weights, activations = value if isinstance(value, tuple) else (SMALLEST, value)
            most = LARGEST_WEIGHT if name == "stem" else LARGEST
            if not SMALLEST <= weights <= LARGEST_WEIGHT:
                raise BadInputError(f"bits: {name} has weights of {weights} bits; {SMALLEST} to {LARGEST_WEIGHT} are accepted")
            kept = name == "downsample" and activations == KEPT
            if not kept and not SMALLEST <= activations <= most:
                raise BadInputError(f"bits: {name} has {activations} bits; {SMALLEST} to {most} are accepted")


@dataclass(frozen=True)
class IntegeriseSettings:
    """How a network is made of integers.

    Attributes:
        bits: of each part.
        coverage: share of a tensor's values that its grid must hold; the rest may saturate.
        images: training images that the grids are chosen from.
        seed: which ones.
        fine_tune: training behind the rounding.
    """

    bits: BitSettings = field(default_factory=BitSettings)
    coverage: float = 0.9999
    images: int = 256
    seed: int = 0
    fine_tune: FineTuneSettings = field(default_factory=FineTuneSettings)

    def __post_init__(self) -> None:
        if not 0.5 <= self.coverage <= 1:
            raise BadInputError(f"coverage {self.coverage} is not between 0.5 and 1")
        if self.images < 1:
            raise BadInputError(f"{self.images} calibration images; at least 1 is needed")


def read_settings(assignments: Sequence[str], bits: Sequence[str] = ()) -> IntegeriseSettings:
    """Settings from words.

    Args:
        assignments: ``key=value`` or ``section.key=value``, ``fine_tune.lr=1e-4`` for one.
        bits: ``part=weights,activations``, ``se=4,8`` for one, or ``part=bits``, ``stream=9`` for one.

    Raises:
        BadInputError: a key is not known, or a value is not accepted.
    """
    values: dict[str, Any] = {}
    for assignment in bits:
        part, _, numbers = assignment.partition("=")
        override(values, f"bits.{part}=[{numbers}]" if "," in numbers else f"bits.{assignment}")
    for assignment in assignments:
        override(values, assignment)
    return from_mapping(IntegeriseSettings, values, "integerise")
