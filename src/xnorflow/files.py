"""Files and folders that are either the former or the new one, whenever the program or the machine stops."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from xnorflow.errors import BadInputError

UNFINISHED = ".unfinished"


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """A binary file that becomes ``target`` in one step at the end, once the disk has it; after an error ``target`` is what it was."""
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def check_place(out: Path, marker: str, what: str, *, force: bool) -> None:
    """Refuse, before any work is done, a place that cannot become a folder of a kind.

    Args:
        out: the place.
        marker: a file that every such folder holds.
        what: the kind in words, such as ``build folder``.
        force: replace one that stands there.

    Raises:
        BadInputError: it exists and ``force`` is false, or it holds something else.
    """
    if not (out.exists() or out.is_symlink()):
        return
    if not force:
        raise BadInputError(f"{out} exists; choose another folder or give --force to replace it")
    if not out.is_dir() or out.is_symlink() or (any(out.iterdir()) and not (out / marker).is_file()):
        raise BadInputError(f"{out} is not replaced: it is no {what} (it has no {marker})")


@contextmanager
def making_folder(out: Path, what: str) -> Iterator[Path]:
    """An empty folder that becomes ``out`` in one step at the end; one that stands there stays until then, and after an error.

    Args:
        out: absolute path.
        what: the kind of folder in words, for the error.

    Raises:
        BadInputError: the file system refuses.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name[:32]}.", dir=out.parent) as scratch:
            new, old = Path(scratch, "new"), Path(scratch, "old")
            new.mkdir()
            yield new
            if out.exists():
                _exchange(out, new, old)
            else:
                new.rename(out)
    except OSError as error:
        raise BadInputError(f"{what} {out} cannot be written: {error.strerror or error}") from error


def _exchange(out: Path, new: Path, old: Path) -> None:
    """Put ``new`` in the place of ``out``; whatever happens in between, Ctrl-C included, one of the two stands there."""
    try:
        out.rename(old)
        new.rename(out)
    except BaseException:
        if old.exists() and not out.exists():
            old.rename(out)
        raise
