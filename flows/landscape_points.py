"""The finished points of a grid, kept in a folder so that an interrupted computation goes on where it was."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from xnorflow.errors import BadInputError
from xnorflow.records import parse_json

SETTINGS, POINTS = "settings.json", "landscape.csv"
HEADER = "row,column,a,b,loss"


class PointStore:
    """``settings.json`` says what is computed, ``landscape.csv`` has a line for each finished point, written when it is finished.

    Attributes:
        losses: of the finished points, by row (of b) and column (of a).

    Args:
        folder: made if missing.
        settings: plain types that decide the losses.
        axis: coordinates of columns and rows.

    Raises:
        BadInputError: the folder holds points of other settings, or a damaged file.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], axis: list[float]) -> None:
        self.file = folder / POINTS
        self.axis = axis
        known = folder / SETTINGS
        if known.is_file():
            _require_equal(parse_json(known.read_text(encoding="utf-8", errors="replace"), str(known)), settings, folder)
        elif self.file.exists():
            raise BadInputError(f"{folder} holds {POINTS} without {SETTINGS}; name another folder")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = known.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(settings, indent=2) + "\n")
            unfinished.replace(known)
        self.losses = self._read()

    def add(self, row: int, column: int, loss: float) -> None:
        """Keep a point, on the disk before the call returns."""
        with self.file.open("a") as lines:
            lines.write(f"{row},{column},{self.axis[column]!r},{self.axis[row]!r},{loss!r}\n")
            lines.flush()
            os.fsync(lines.fileno())
        self.losses[row, column] = loss

    def _read(self) -> dict[tuple[int, int], float]:
        if not self.file.is_file():
            self.file.write_text(HEADER + "\n")
            return {}
        text = self.file.read_text(encoding="utf-8", errors="replace")
        whole = text[: text.rfind("\n") + 1]  # the last line is incomplete where the machine stopped while writing it
        if whole != text:
            os.truncate(self.file, len(whole.encode()))
        header, _, body = whole.partition("\n")
        if not header:
            self.file.write_text(HEADER + "\n")
        elif header != HEADER:
            raise BadInputError(f"{self.file} is damaged: its first line is {header[:80]!r}, not {HEADER!r}")
        return dict(self._point(line, number) for number, line in enumerate(body.splitlines(), 2))

    def _point(self, line: str, number: int) -> tuple[tuple[int, int], float]:
        parts = line.split(",")
        try:
            row, column, a, b, loss = int(parts[0]), int(parts[1]), float(parts[2]), float(parts[3]), float(parts[4])
        except (ValueError, IndexError):
            raise BadInputError(f"{self.file} is damaged: line {number} is {line[:80]!r}") from None
        size = len(self.axis)
        if len(parts) != 5 or not (0 <= row < size and 0 <= column < size and (a, b) == (self.axis[column], self.axis[row])):
            raise BadInputError(f"{self.file} is damaged: line {number}, {line[:80]!r}, is no point of its grid")
        return (row, column), loss


def _require_equal(before: Any, after: dict[str, Any], folder: Path) -> None:
    if not isinstance(before, dict):
        raise BadInputError(f"{folder / SETTINGS} is damaged: it is no object")
    for name in {**after, **before}:
        if before.get(name) != after.get(name):
            raise BadInputError(f"{folder} holds points of {name} {before.get(name)}, {after.get(name)} is asked for; name another folder")


def json_number(value: float) -> float | None:
    """The number, or None for what JSON has no word for."""
    return value if math.isfinite(value) else None
