"""A path without blanks to a folder: FINN splits its Tcl commands at them, and does not quote them for the shell."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from xnorflow.errors import BadInputError


def workplace(out: Path) -> Path:
    """The folder itself, or a link to it in the system's folder for temporary files: the same one whenever it is asked for.

    Raises:
        BadInputError: that folder's path holds a blank, too, or something else has the link's name.
    """
    if not _blank(out):
        return out
    link = Path(tempfile.gettempdir()) / f"xnorflow-finn-{os.getuid()}-{hashlib.sha256(str(out).encode()).hexdigest()[:16]}"
    if _blank(link):
        raise BadInputError(f"folder {out} has a blank in its path, at which FINN splits its commands, and so has the folder for temporary files")
    if not link.is_symlink():
        link.symlink_to(out)
    if link.readlink() != out:
        raise BadInputError(f"{link}, by which FINN would reach {out}, leads to {link.readlink()}; remove it")
    return link


def _blank(path: Path) -> bool:
    return any(c.isspace() for c in str(path))
