"""Where a checkpoint came from: images by content, code by commit."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import xnorflow


@cache
def commit() -> str | None:
    """Git commit of the checkout that the package runs from, with ``+changes`` where files differ; None without one."""
    root = Path(xnorflow.__file__).resolve().parent
    inside = _git(root, "ls-files", "--error-unmatch", "__init__.py")
    head = _git(root, "rev-parse", "HEAD")
    if not inside or not head:
        return None
    return head + ("+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, or None where it is missing, fails or takes long."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()
