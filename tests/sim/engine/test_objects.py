from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from xnorflow.sim.engine import objects


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build's object folder whose objects are kept under the key ``k``."""
    monkeypatch.setattr(objects, "user_cache", lambda: tmp_path / "cache")
    done = tmp_path / "done"
    done.mkdir()
    for name in objects._NAMES:
        (done / name).write_bytes(name.encode())
    objects.keep("k", done)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    return fresh


def test_kept_objects_come_back_unchanged(kept: Path) -> None:
    objects.reuse("k", kept)
    assert {p.name: p.read_bytes() for p in kept.iterdir()} == {name: name.encode() for name in objects._NAMES}


def test_a_copy_that_fails_leaves_no_part_of_an_object_under_its_name(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full_disk)
    objects.reuse("k", kept)
    assert not [name for name in objects._NAMES if (kept / name).exists()]
