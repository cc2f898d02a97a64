"""Stand-ins for programs of other makers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def put_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts an executable script of a name and a text on PATH, in a folder with a blank, and gives that folder."""

    def put(name: str, text: str) -> Path:
        folder = tmp_path / "vendor tools"
        folder.mkdir()
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return put
