"""The one list of architectures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from torch import nn

    from xnorflow.models.config import ModelConfig

Builder = Callable[["ModelConfig"], "nn.Module"]


@dataclass(frozen=True)
class Architecture:
    """One entry of the registry.

    Attributes:
        name: what a recipe or the command line calls it.
        summary: one line for ``xnorflow models``.
        build: makes the network with real-valued slots.
        input_bits: bits of the quantised input when the caller does not choose.
        input_shape: ``(C, H, W)`` the architecture was published with.
        options: frozen dataclass of its switches and their defaults (see :mod:`xnorflow.models.options`); None for no switches.
    """

    name: str
    summary: str
    build: Builder
    input_bits: int
    input_shape: tuple[int, int, int]
    options: object | None = None


_ARCHITECTURES: dict[str, Architecture] = {}


def register(architecture: Architecture) -> None:
    """Add an entry.

    Raises:
        ValueError: the name is taken.
    """
    if architecture.name in _ARCHITECTURES:
        raise ValueError(f"architecture {architecture.name!r} is registered twice")
    _ARCHITECTURES[architecture.name] = architecture


def lookup(name: str) -> Architecture:
    """The entry called ``name``.

    Raises:
        BadInputError: there is none; the message lists the known names.
    """
    if name not in _ARCHITECTURES:
        raise BadInputError(f"model {name!r} is not known; known are {', '.join(sorted(_ARCHITECTURES))}")
    return _ARCHITECTURES[name]


def architectures() -> tuple[Architecture, ...]:
    """All entries, sorted by name."""
    return tuple(_ARCHITECTURES[name] for name in sorted(_ARCHITECTURES))
