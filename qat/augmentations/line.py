"""One line of a recipe's augmentations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AugmentationLine:
    """One line of ``data.augment``.

    Attributes:
        name: of the augmentation.
        arguments: of it.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
