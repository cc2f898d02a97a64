"""List the architectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelEntry:
    """One architecture.

    Attributes:
        name: what a recipe calls it.
        summary: one line about it.
        input_shape: ``(C, H, W)`` it was published with.
    """

    name: str
    summary: str
    input_shape: tuple[int, int, int]

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"name": self.name, "summary": self.summary, "input": "x".join(map(str, self.input_shape))}


def models() -> tuple[ModelEntry, ...]:
    """Every registered architecture, sorted by name."""
    from xnorflow.models import architectures

    return tuple(ModelEntry(entry.name, entry.summary, entry.input_shape) for entry in architectures())
