"""Frozen dataclasses from plain mappings: every key known, every value of its declared type."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeVar

import yaml

from xnorflow.errors import BadInputError

T = TypeVar("T")


def from_mapping(kind: type[T], values: object, where: str) -> T:
    """Make a ``kind`` (a dataclass, nested ones included) from ``values``.

    Args:
        kind: dataclass with fields of type int, float, bool, str, ``X | None``, ``tuple[float, ...]``, ``tuple[int, int, int]``,
            ``dict[str, float]``, ``Mapping[str, Any]`` (plain values, not looked into), or another dataclass.
        values: a mapping of field names to plain values; None stands for an empty one.
        where: names the source in messages, a file for one.

    Raises:
        BadInputError: a key is unknown or missing, or a value has another type; names the key and what is accepted.
    """
    assert dataclasses.is_dataclass(kind)
    values = {} if values is None else values
    if not isinstance(values, Mapping):
        raise BadInputError(f"{where} is {values!r}; a mapping of keys is expected")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in fields:
            raise BadInputError(f"{where}: key {key!r} is not known; known are {', '.join(fields)}")
    arguments = {key: _converted(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    for name, field in fields.items():
        if name not in arguments and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BadInputError(f"{where}: key {name!r} is missing")
    return kind(**arguments)


def override(values: dict[str, Any], assignment: str) -> None:
    """Apply ``section.key=value`` to a nested mapping in place; the value is read as YAML.

    Raises:
        BadInputError: the text has no ``=``, or the path runs through something that is no mapping.
    """
    path, equals, text = assignment.partition("=")
    if not equals or not path:
        raise BadInputError(f"setting {assignment!r} is not of the form key=value, for example train.epochs=3")
    *sections, last = path.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise BadInputError(f"setting {assignment!r}: {section} has no keys")
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInputError(f"setting {assignment!r}: {text!r} is no YAML value") from error


def _converted(hint: Any, value: object, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return from_mapping(hint, value, where)
    arguments = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else _converted(inner, value, where)
    if typing.get_origin(hint) in (dict, Mapping):
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise BadInputError(f"{where} is {value!r}; a mapping of names is expected")
        return {key: item if arguments[1] is Any else _converted(arguments[1], item, f"{where}: {key}") for key, item in value.items()}
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple) or (arguments[-1] is not Ellipsis and len(value) != len(arguments)):
            raise BadInputError(f"{where} is {value!r}; a list{'' if arguments[-1] is Ellipsis else f' of {len(arguments)}'} is expected")
        return tuple(_converted(arguments[0], item, where) for item in value)
    return _scalar(hint, value, where)


def _scalar(hint: type, value: object, where: str) -> Any:
    if hint is float and not isinstance(value, bool):
        # YAML 1.1 reads 1e-3 as text, and a fraction such as 128/255 is text too.
        try:
            return float(Fraction(value)) if isinstance(value, str) else float(value)  # type: ignore[arg-type]  # refused below
        except (ValueError, TypeError, ZeroDivisionError, OverflowError):
            pass
    elif type(value) is hint:
        return value
    raise BadInputError(f"{where} is {value!r}; {hint.__name__} is expected")
