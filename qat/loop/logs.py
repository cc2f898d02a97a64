"""Logs of a stage that a resumed training continues."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch.loggers import Logger, TensorBoardLogger

from xnorflow.errors import BadInputError
from xnorflow.files import replacing
from xnorflow.qat.loop.ranks import rank_zero_only

FOLDER = "logs"
TABLE = "metrics.csv"
FIRST = ("epoch", "step")


def stage_loggers(out: Path, stage: str, step: int | None) -> list[Logger]:
    """Loggers that write ``out/logs/<stage>/metrics.csv`` and TensorBoard's events beside it.

    Args:
        out: the run's folder.
        stage: of the recipe.
        step: step to go on from: what was logged at it or later is dropped, since it comes again. None to drop everything.
    """
    table = TableLogger(out / FOLDER / stage / TABLE, stage, step or 0)
    return [TensorBoardLogger(out, name=FOLDER, version=stage, purge_step=step), table]


@rank_zero_only
def drop_logs(out: Path, stage: str) -> None:
    """Remove what an earlier training logged of a stage that begins."""
    folder = out / FOLDER / stage
    for old in (*folder.glob("events.out.tfevents.*"), *folder.glob(TABLE)):
        old.unlink()


class TableLogger(Logger):
    """A CSV file with a row for each call; Lightning's own deletes the file that a resumed training finds.

    Args:
        file: to write.
        stage: of the recipe.
        step: rows of the file before this step are kept.
    """

    def __init__(self, file: Path, stage: str, step: int) -> None:
        super().__init__()
        self.file = file
        self.stage = stage
        self.rows = _rows_before(file, step)
        self.changed = False

    @property
    def name(self) -> str:
        return FOLDER

    @property
    def version(self) -> str:
        return self.stage

    @rank_zero_only
    def log_hyperparams(self, params: object, *args: object, **kwargs: object) -> None:
        pass

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.rows.append({"step": str(step)} | {name: repr(float(value)) for name, value in metrics.items()})
        self.changed = True

    @rank_zero_only
    def save(self) -> None:
        if not self.changed:
            return
        names = sorted({name for row in self.rows for name in row}, key=lambda name: (name not in FIRST, name))
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(self.rows)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self.file) as file:
            file.write(text.getvalue().encode())
        self.changed = False

    @rank_zero_only
    def finalize(self, status: str) -> None:
        self.save()


def _rows_before(file: Path, step: int) -> list[dict[str, str]]:
    if not step or not file.is_file():
        return []
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            return [row for row in csv.DictReader(lines) if int(row["step"]) < step]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"{file} is no table of a training; move it away to go on without it") from error
