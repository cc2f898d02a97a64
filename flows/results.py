"""What was found out about a build, kept beside it so that its report can tell."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.files import replacing
from xnorflow.hw.build import MANIFEST, file_hash
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from pathlib import Path

    from xnorflow.hw.build import Build

FOLDER = "results"  # in the build folder


def file_of(build: Build, name: str) -> Path:
    """Where a command's figures are kept."""
    return build.folder / FOLDER / f"{name}.json"


def keep(build: Build, name: str, figures: dict[str, Any]) -> None:
    """Keep a command's figures as ``results/NAME.json``, in the place of earlier ones; a build that cannot be written stays without."""
    folder = build.folder / FOLDER
    record = {"manifest": file_hash(build.folder / MANIFEST), "figures": figures}
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        with replacing(file_of(build, name)) as file:
            file.write((json.dumps(record, indent=1) + "\n").encode())


def kept(build: Build, name: str) -> dict[str, Any] | None:
    """What :func:`keep` kept of this very build; None where it kept nothing, or of a build that stood there before.

    Raises:
        BadInputError: the file is damaged.
    """
    path = file_of(build, name)
    if not path.is_file():
        return None
    record = parse_json(path.read_text(encoding="utf-8", errors="replace"), str(path))
    if not isinstance(record, dict) or not isinstance(record.get("figures"), dict):
        raise BadInputError(f"{path} is damaged; remove it")
    figures: dict[str, Any] = record["figures"]
    return figures if record.get("manifest") == file_hash(build.folder / MANIFEST) else None
