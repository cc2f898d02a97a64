"""Typed access to the attributes of an ONNX node."""

from __future__ import annotations

from typing import Any

from onnx import helper


class Attributes:
    """The attributes of one node by name."""

    def __init__(self, node: Any) -> None:
        self._values = {a.name: helper.get_attribute_value(a) for a in node.attribute}

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self._values.get(name, default))

    def real(self, name: str, default: float) -> float:
        """A real attribute."""
        return float(self._values.get(name, default))

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of integers."""
        return tuple(int(v) for v in self._values.get(name, default))

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self._values.get(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)
