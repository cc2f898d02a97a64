"""Switches of an architecture: a frozen dataclass of its defaults, changed by ``key=value`` texts that travel in the checkpoint."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar

from xnorflow.errors import BadInputError

T = TypeVar("T")
BOOLS = {"true": True, "false": False}


def with_options(defaults: T, assignments: Iterable[str], name: str) -> T:
    """``defaults`` with the assignments applied in order.

    Args:
        defaults: frozen dataclass whose fields are bools and string enums.
        assignments: ``key=value``; an enum takes its value, a bool ``true`` or ``false``.
        name: of the architecture, for messages.

    Raises:
        BadInputError: a key is unknown or a value is not accepted; says which are.
    """
    assert dataclasses.is_dataclass(defaults)
    assert not isinstance(defaults, type)
    known = [field.name for field in dataclasses.fields(defaults)]
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or key not in known:
            raise BadInputError(f"model {name}: option {assignment!r} is not known; it has {_listing(defaults)}")
        defaults = dataclasses.replace(defaults, **{key: _value(getattr(defaults, key), text, f"model {name}: option {key}")})
    return defaults


def described(defaults: object | None) -> tuple[str, ...]:
    """The switches as ``key=default`` texts that :func:`with_options` takes; none for None."""
    if defaults is None:
        return ()
    assert dataclasses.is_dataclass(defaults)
    return tuple(f"{field.name}={_text(getattr(defaults, field.name))}" for field in dataclasses.fields(defaults))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(default: Any, text: str, where: str) -> Any:
    if isinstance(default, bool):
        if text in BOOLS:
            return BOOLS[text]
    elif text in _choices(default):
        return type(default)(text)
    raise BadInputError(f"{where} is {text!r}; accepted are {', '.join(_choices(default))}")


def _choices(default: Any) -> list[str]:
    if isinstance(default, bool):
        return list(BOOLS)
    assert isinstance(default, StrEnum)
    return [str(member) for member in type(default)]


def _listing(defaults: Any) -> str:
    return ", ".join(f"{field.name}={'|'.join(_choices(getattr(defaults, field.name)))}" for field in dataclasses.fields(defaults))
