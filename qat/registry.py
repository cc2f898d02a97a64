"""Names a recipe may use, each with its typed arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from xnorflow.errors import BadInputError
from xnorflow.qat.settings import from_mapping

T = TypeVar("T")
C = TypeVar("C", bound=type[Any])


class Registry(Generic[T]):
    """Frozen dataclasses by name; their fields are the arguments.

    Args:
        what: what the names stand for, in messages.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._kinds: dict[str, type[T]] = {}

    def register(self, name: str) -> Callable[[C], C]:
        """Class decorator that files a dataclass under ``name``; a name is used once."""

        def file(kind: C) -> C:
            if name in self._kinds:
                raise ValueError(f"{self.what} {name!r} is registered twice")
            self._kinds[name] = kind
            return kind

        return file

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order of registration."""
        return tuple(self._kinds)

    def arguments(self, name: str) -> tuple[str, ...]:
        """Names of the arguments of a registered name."""
        kind: Any = self._kinds[name]
        return tuple(field.name for field in dataclasses.fields(kind))

    def build(self, name: str, arguments: Mapping[str, Any], where: str) -> T:
        """The object that ``name`` and its arguments describe; ``where`` names the source in messages.

        Raises:
            BadInputError: the name or an argument is not known, or has the wrong type.
        """
        if name not in self._kinds:
            raise BadInputError(f"{where}: {self.what} {name!r} is not known; known are {', '.join(self._kinds)}")
        return from_mapping(self._kinds[name], dict(arguments), f"{where}: {name}")
