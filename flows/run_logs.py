"""Read what a training logged."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from xnorflow.errors import BadInputError
from xnorflow.qat.loop.logs import FOLDER, TABLE

POSITION = ("epoch", "step")


@dataclass(frozen=True)
class Curve:
    """One logged quantity.

    Attributes:
        epochs: epochs done when each value was logged, rising, 1 behind the first.
        values: as many; the last of an epoch where it was logged more than once.
    """

    epochs: tuple[int, ...]
    values: tuple[float, ...]


def stage_tables(run: Path) -> dict[str, Path]:
    """The table of each stage of a run that has one, by the stage's name, in alphabetical order."""
    return {table.parent.name: table for table in sorted((run / FOLDER).glob(f"*/{TABLE}"))}


def read_curves(table: Path) -> dict[str, Curve]:
    """Every quantity of a stage's table, by its logged name.

    Args:
        table: CSV with the columns ``epoch`` (of the row, from 0), ``step`` and one for each quantity; empty cells are not logged.

    Raises:
        BadInputError: it is no such table.
    """
    found: dict[str, dict[int, float]] = {}
    try:
        with table.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, strict=True):
                if row["epoch"]:
                    epoch = int(float(row["epoch"])) + 1
                    for name, text in row.items():
                        if name not in POSITION and text:
                            found.setdefault(name, {})[epoch] = float(text)
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise BadInputError(f"{table} is no table of a training: {error}") from error
    return {name: Curve(tuple(sorted(points)), tuple(points[epoch] for epoch in sorted(points))) for name, points in found.items()}
