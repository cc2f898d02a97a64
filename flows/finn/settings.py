"""What a FINN build was asked for, kept in ``OUT/finn.json`` so that it can go on later or elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.files import replacing
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from pathlib import Path

TOP = "finn_top"  # module of the stitched RTL
SETTINGS, LOG, SCRATCH, BUILD, STITCHED, SAVED = "finn.json", "finn.log", "finn_tmp", "build", "stitched", "saved.json"


@dataclass(frozen=True)
class Settings:
    """One build.

    Attributes:
        folder: where it was begun; FINN's models hold this path, so elsewhere a build starts from its first step.
        board: FINN's name of it.
        clock_ns: period of the clock.
        fifos: FINN's record of FIFO depths, beside the settings; None for our solver's.
        probes: images that are compared after every step.
        steps: names of the steps that the tools allow.
        start: the first of them to run; None for all.
    """

    folder: str
    board: str
    clock_ns: float
    fifos: str | None
    probes: int
    steps: tuple[str, ...] = ()
    start: str | None = None

    def write(self, out: Path) -> None:
        """Replace the settings of a build."""
        write_json(out / SETTINGS, asdict(self))

    @classmethod
    def read(cls, out: Path) -> Settings:
        """The settings of a build.

        Raises:
            BadInputError: no such folder, or the file is damaged.
        """
        path = out / SETTINGS
        if not path.is_file():
            raise BadInputError(f"{out} is no folder of a FINN build: it has no {SETTINGS}")
        try:
            raw = parse_json(path.read_text(encoding="utf-8"), str(path))
            return replace(cls(**raw), steps=tuple(raw["steps"]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise BadInputError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def write_json(path: Path, record: Any) -> None:
    """Replace a JSON file in one step."""
    with replacing(path) as file:
        file.write((json.dumps(record, indent=1) + "\n").encode())


def saved_steps(out: Path) -> tuple[str, ...]:
    """The steps whose models are on disk, whole."""
    path = out / SAVED
    return tuple(parse_json(path.read_text(encoding="utf-8"), str(path))) if path.is_file() else ()
