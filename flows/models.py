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
        options: its switches, each ``key=default``.
    """

    name: str
    summary: str
    input_shape: tuple[int, int, int]
    options: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"name": self.name, "summary": self.summary, "input": "x".join(map(str, self.input_shape)), "options": list(self.options)}


def models() -> tuple[ModelEntry, ...]:
    """Every registered architecture, sorted by name."""
    from xnorflow.models import architectures
    from xnorflow.models.options import described

    return tuple(ModelEntry(entry.name, entry.summary, entry.input_shape, described(entry.options)) for entry in architectures())
