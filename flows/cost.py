"""What an architecture costs, before any training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from xnorflow.models import Cost


@dataclass(frozen=True)
class CostResult:
    """The cost of one architecture at one image size.

    Attributes:
        name: architecture.
        input_shape: ``(C, H, W)``.
        cost: the figures.
    """

    name: str
    input_shape: tuple[int, int, int]
    cost: Cost

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return {"name": self.name, "input": "x".join(map(str, self.input_shape)), **self.cost.to_json()}


def cost(name: str, image: str | None = None, *, num_classes: int = 10, **options: Any) -> CostResult:
    """Count parameters, bytes and operations of one image.

    Args:
        name: architecture in the registry.
        image: ``CxHxW``, ``3x32x32`` for one; None for the size the architecture was published with.
        num_classes: logits.
        options: further arguments of ``xnorflow.models.build``.

    Raises:
        BadInputError: the architecture or the image's text is not known, or they do not fit.
    """
    from xnorflow.models import cost as count
    from xnorflow.models import lookup

    shape = lookup(name).input_shape if image is None else parse_image(image)
    return CostResult(name, shape, count(name, input_shape=shape, num_classes=num_classes, **options))


def parse_image(text: str) -> tuple[int, int, int]:
    """Read ``CxHxW``.

    Raises:
        BadInputError: the text is something else.
    """
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and 0 < len(part) < 10 and int(part) > 0 for part in parts):
        raise BadInputError(f"image {text!r} is not CxHxW, for example 3x32x32")
    channels, height, width = map(int, parts)
    return channels, height, width
