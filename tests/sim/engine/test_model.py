from __future__ import annotations

from pathlib import Path

from xnorflow.sim.engine.model import publish


def program(folder: Path, text: str) -> Path:
    path = folder / "fresh"
    path.write_text(text)
    return path


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def test_a_compiled_program_appears_whole_and_alone(tmp_path: Path) -> None:
    publish(program(tmp_path, "new"), tmp_path / "model")
    assert names(tmp_path) == ["model", "model/engine"]
    assert (tmp_path / "model" / "engine").read_text() == "new"


def test_the_program_of_a_faster_process_stays(tmp_path: Path) -> None:
    """It may be running, or be about to: two verifies of one build compile the same model."""
    publish(program(tmp_path, "first"), tmp_path / "model")
    before = (tmp_path / "model" / "engine").stat().st_ino
    publish(program(tmp_path, "second"), tmp_path / "model")
    assert names(tmp_path) == ["model", "model/engine"]
    assert (tmp_path / "model" / "engine").stat().st_ino == before


def test_a_folder_without_its_program_is_completed(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "half").write_text("")
    publish(program(tmp_path, "new"), tmp_path / "model")
    assert names(tmp_path) == ["model", "model/engine", "model/half"]
