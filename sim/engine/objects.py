"""Object files that are the same in every model (Verilator's runtime and the harness), kept to compile them once a machine."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

_NAMES = ("verilated.o", "verilated_threads.o", "main.o", "driver.o")


def user_cache() -> Path:
    """The folder for what may be deleted at any time; RuntimeError where there is no home folder."""
    return Path.home() / ".cache" / "xnorflow"


def reuse(key: str, obj: Path) -> None:
    """Put kept objects into a build's object folder; they are newer than its sources, so make takes them as done.

    A copy that fails (a full disk, for one) leaves no part of an object under its name; make then compiles it.
    """
    with contextlib.suppress(OSError, RuntimeError):
        folder = user_cache() / key
        for name in _NAMES:
            part = obj / f"{name}.part"
            shutil.copyfile(folder / name, part)
            part.rename(obj / name)


def keep(key: str, obj: Path) -> None:
    """Keep a finished build's objects, unless they are there already or the cache cannot be written."""
    with contextlib.suppress(OSError, RuntimeError):
        target = user_cache() / key
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as name:
            work = Path(name) / "objects"
            work.mkdir()
            for item in _NAMES:
                shutil.copyfile(obj / item, work / item)
            work.rename(target)
