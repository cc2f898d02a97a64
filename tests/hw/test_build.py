from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from xnorflow.errors import BadInputError
from xnorflow.hw.build import Build
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.interpreter import execute
from xnorflow.hw.plan import plan
from xnorflow.hw.serialise import graph_to_json
from xnorflow.hw.write_build import BuildContents, write_build
from xnorflow.pixels import PixelNorm


@pytest.fixture
def contents(networks) -> BuildContents:
    tail = FloatChain((FloatStep.of(StepKind.MUL, np.linspace(0.1, 0.9, 10)),))
    norm = PixelNorm(mean=(0.5,), std=(0.25,))
    return plan(
        networks.mlp(), tail=tail, pixel_norm=norm, folding=FoldingRequest(fps=1e6), model=b"a model", passes=("one",), notes={"head": "logits"}
    )


@pytest.fixture
def folder(contents: BuildContents, tmp_path: Path) -> Path:
    write_build(tmp_path / "build", contents)
    return tmp_path / "build"


def message_of(folder: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        Build.open(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_build_gives_back_everything_that_was_written(contents: BuildContents, folder: Path) -> None:
    build = Build.open(folder)
    assert graph_to_json(build.graph) == graph_to_json(contents.graph)
    assert build.pixel_norm == contents.pixel_norm
    assert build.estimate == contents.estimate
    assert build.tail.to_json() == contents.tail.to_json()
    assert (folder / "model.onnx").read_bytes() == b"a model"
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1))
    (out,) = build.graph.outputs
    assert np.array_equal(execute(build.graph, {"pixels": images})[out], execute(contents.graph, {"pixels": images})[out])


def test_the_manifest_names_ports_host_folding_and_every_file(folder: Path) -> None:
    manifest = Build.open(folder).manifest
    assert manifest["input"] == {"shape": [8, 8, 1], "type": "UINT8", "lanes": 1, "beats": 64, "bytes_per_beat": 1}
    assert manifest["output"]["shape"] == [10]
    assert manifest["host"]["after"][0]["kind"] == "mul"
    assert set(manifest["folding"]) == {"Defaults", "fc0", "fc1", "fc2"}
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == present - {"manifest.json"}


def test_two_builds_of_one_graph_are_byte_identical(contents: BuildContents, folder: Path, tmp_path: Path) -> None:
    write_build(tmp_path / "again", contents)
    names = [p.relative_to(folder) for p in folder.rglob("*") if p.is_file()]
    assert all((folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)


def test_nothing_but_the_folder_is_left(folder: Path, tmp_path: Path) -> None:
    assert [p.name for p in tmp_path.iterdir()] == ["build"]


@pytest.mark.parametrize("name", ["graph.json", "top.v", "model.onnx", "estimate.json"])
def test_a_changed_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert f"{name} is missing or has changed" in message_of(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "rtl" / "xf_fifo.sv").unlink()
    assert "rtl/xf_fifo.sv is missing or has changed" in message_of(folder)


def test_a_build_of_another_version_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "xnorflow": "0.0.1"}))
    assert "was made by xnorflow 0.0.1 (format 1)" in message_of(folder)
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 7}))
    assert "(format 7)" in message_of(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": 3}', '{"files": {}, "xnorflow": "0.1.0"}', "[" * 200_000])
def test_a_damaged_manifest_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    assert "manifest.json is damaged" in message_of(folder)


@pytest.mark.parametrize(("key", "value"), [("files", {}), ("host", {}), ("host", 3), ("notes", []), ("head", None), ("folding", None)])
def test_a_manifest_without_what_others_read_is_damaged(folder: Path, key: str, value: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**{k: v for k, v in manifest.items() if k != key}, **({} if value is None else {key: value})}))
    assert "manifest.json is damaged" in message_of(folder)


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path) -> None:
    assert "is no build folder" in message_of(tmp_path)
    assert "is no build folder" in message_of(tmp_path / "missing")


def test_an_existing_folder_is_kept_unless_forced(contents: BuildContents, folder: Path) -> None:
    before = (folder / "manifest.json").stat().st_mtime_ns
    with pytest.raises(BadInputError, match="exists; choose another folder or give --force"):
        write_build(folder, contents)
    assert (folder / "manifest.json").stat().st_mtime_ns == before


def test_force_replaces_a_build_folder_whole(contents: BuildContents, folder: Path, tmp_path: Path) -> None:
    (folder / "left_over").write_text("old")
    write_build(folder, contents, force=True)
    assert not (folder / "left_over").exists()
    Build.open(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["build"]


def test_force_does_not_replace_what_is_no_build_folder(contents: BuildContents, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("words")
    for target in (precious, precious / "thesis.tex"):
        with pytest.raises(BadInputError, match="is not replaced: it is no build folder"):
            write_build(target, contents, force=True)
    assert (precious / "thesis.tex").read_text() == "words"


def test_a_failure_half_way_leaves_the_old_build_and_nothing_else(contents: BuildContents, folder: Path, tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xnorflow.hw.write_build.emit", fail)
    with pytest.raises(BadInputError, match=r"cannot be written: No space left on device$"):
        write_build(folder, contents, force=True)
    with pytest.raises(BadInputError, match="No space left"):
        write_build(tmp_path / "new", contents)
    Build.open(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["build"]


@pytest.mark.parametrize("failure", [OSError(13, "Permission denied"), KeyboardInterrupt()])
def test_a_failed_exchange_puts_the_old_build_back(
    contents: BuildContents, folder: Path, tmp_path: Path, monkeypatch, failure: BaseException
) -> None:
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise failure
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises((BadInputError, KeyboardInterrupt)):
        write_build(folder, contents, force=True)
    Build.open(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["build"]


def test_what_a_killed_run_left_behind_does_no_harm(contents: BuildContents, tmp_path: Path) -> None:
    """In a container every run may have the same process id."""
    for name in (f".build.partial{os.getpid()}", f".build.old{os.getpid()}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "graph.json").write_text("half")
    write_build(tmp_path / "build", contents)
    write_build(tmp_path / "build", contents, force=True)
    Build.open(tmp_path / "build")


def test_a_name_as_long_as_the_file_system_takes_is_accepted(contents: BuildContents, tmp_path: Path) -> None:
    write_build(tmp_path / ("n" * 255), contents)
    Build.open(tmp_path / ("n" * 255))


@pytest.mark.parametrize("name", ["rtl/zz.sv", "mem/more.mem"])
def test_a_file_added_to_the_hardware_is_refused(folder: Path, name: str) -> None:
    """Simulation and synthesis read every file of ``rtl/``."""
    (folder / name).write_text("module top; endmodule")
    assert f"{name} was not made by compiling" in message_of(folder)


def test_a_place_that_cannot_be_written_is_refused_in_one_line(contents: BuildContents, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="cannot be written: "):
        write_build(tmp_path / "file" / "build", contents)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_parent_is_refused(contents: BuildContents, tmp_path: Path) -> None:
    parent = tmp_path / "locked"
    parent.mkdir(mode=0o555)
    with pytest.raises(BadInputError, match="cannot be written: Permission denied"):
        write_build(parent / "build", contents)


def test_the_estimate_adds_up(contents: BuildContents) -> None:
    estimate = contents.estimate
    assert [n.name for n in estimate.nodes] == [n.name for n in hardware_nodes(contents.graph)]
    assert estimate.total.lut == pytest.approx(sum(n.lut for n in estimate.nodes))
    assert estimate.weight_bits == 64 * 32 + 32 * 32 + 32 * 10
    assert estimate.fps == 1e8 / estimate.interval
    assert estimate.interval == max(n.interval for n in estimate.nodes) <= 100
