from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.hw.build import Build, file_hash
from xnorflow.sim.chain import VerifyRequest, verify

pytestmark = pytest.mark.verilator
RTL_ONLY = ("rtl",)


def run(build: Build, images: np.ndarray, **options: object) -> object:
    settings: dict[str, object] = {"source": "a test", "links": RTL_ONLY} | options
    return verify(VerifyRequest(build=build, images=images, **settings))  # type: ignore[arg-type]


@pytest.fixture
def broken(small_build: Build, tmp_path: Path) -> Path:
    """A copy of the build to damage; its compiled model comes with it."""
    return Path(shutil.copytree(small_build.folder, tmp_path / "build"))


def reopen(folder: Path) -> Build:
    """Open a damaged build with hashes that fit the damage: the chain must find it, not the hash."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = {name: file_hash(folder / name) for name in manifest["files"]}
    path.write_text(json.dumps(manifest))
    return Build.open(folder)


def flip_a_bit(path: Path, line: int = 0) -> None:
    words = path.read_text().split("\n")
    words[line] = format(int(words[line], 16) ^ 1, "x").zfill(len(words[line]))
    path.write_text("\n".join(words))


@pytest.mark.parametrize("stalls", [False, True])
def test_a_right_build_is_equal_on_every_image(small_build: Build, small_images: np.ndarray, stalls: bool) -> None:
    request = VerifyRequest(build=small_build, images=small_images, source="a test", stalls=stalls, seed=4, links=("cpu", "qonnx", "pytorch", "rtl"))
    report = verify(request)
    assert {name: link.images for name, link in report.links.items()} == {"cpu": 60, "qonnx": 0, "pytorch": 0, "rtl": 60}
    assert report.links["qonnx"].reason == "the build folder holds no model.onnx"
    assert report.rtl is not None
    assert report.rtl.frames == 90
    assert report.rtl.resets == 1


def test_cycles_and_latency_are_exactly_the_estimated_ones(small_build: Build, small_images: np.ndarray) -> None:
    report = verify(VerifyRequest(build=small_build, images=small_images, source="a test", links=RTL_ONLY))
    assert report.rtl is not None
    assert report.rtl.cycles_per_image == small_build.estimate.interval
    assert report.rtl.latency == small_build.estimate.latency
    assert report.rtl.deviation_percent == 0


def test_many_images_are_shared_among_processes(small_build: Build) -> None:
    images = np.random.default_rng(9).integers(0, 256, (150, 4, 3, 2), dtype=np.uint8)
    report = verify(VerifyRequest(build=small_build, images=images, source="a test", links=RTL_ONLY))
    assert report.rtl is not None
    assert report.rtl.cycles_per_image == small_build.estimate.interval


def test_a_report_is_plain_json(small_build: Build, small_images: np.ndarray) -> None:
    record = json.loads(json.dumps(verify(VerifyRequest(build=small_build, images=small_images, source="a test", links=RTL_ONLY)).to_json()))
    assert record["links"]["rtl"] == {"images": 60, "compared": "integers", "reason": "", "rounded": 0, "status": "equal"}
    assert record["rtl"]["deviation_percent"] == 0


@pytest.mark.parametrize("node", ["binarise", "fc1", "sign1", "fc2"])
def test_one_wrong_bit_in_any_memory_image_is_found_and_its_node_named(broken: Path, small_images: np.ndarray, node: str) -> None:
    found = 0
    for path in sorted((broken / "mem").glob(f"top_{node}_*.mem")):
        kept = path.read_text()
        flip_a_bit(path)
        with pytest.raises(CheckFailedError, match=rf"the RTL differs from the interpreter at node {node} \(") as caught:
            run(reopen(broken), small_images)
        assert re.search(r"image \d+.*channel \d+: the RTL -?\d+, the interpreter -?\d+", str(caught.value))
        path.write_text(kept)
        found += 1
    assert found


def test_a_wrong_parameter_in_the_netlist_is_found(broken: Path, small_images: np.ndarray) -> None:
    top = broken / "top.v"
    text = top.read_text()
    top.write_text(text.replace("top_fc2_weightfile.mem", "top_fc1_weightfile.mem"))
    assert top.read_text() != text
    with pytest.raises(CheckFailedError, match=r"fc2|simulation complains"):
        run(reopen(broken), small_images)


def test_a_damaged_cell_is_found(broken: Path, small_images: np.ndarray) -> None:
    cell = broken / "rtl" / "xf_popcount.sv"
    text = cell.read_text()
    cell.write_text(text.replace("CountBits'(data_i[i])", "CountBits'(1)"))
    assert cell.read_text() != text
    with pytest.raises(CheckFailedError, match=r"at node fc\d \(XnorMatVec\)"):
        run(reopen(broken), small_images)


@pytest.mark.parametrize("links", [("cpu",), RTL_ONLY])
def test_a_threshold_changed_behind_the_graph_is_found_by_each_executor(
    broken: Path, small_images: np.ndarray, links: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter runs a graph with one other threshold than what the CPU runtime and the RTL were made from."""
    import dataclasses

    from xnorflow.sim import chain, diagnose

    build = reopen(broken)
    right = chain.execute

    def changed(graph: object, inputs: object, *, keep_all: bool = False) -> object:
        nodes = [dataclasses.replace(n, thresholds=n.thresholds + 3) if n.name == "sign1" else n for n in graph.nodes]  # type: ignore[attr-defined]
        return right(graph.with_nodes(nodes), inputs, keep_all=keep_all)  # type: ignore[attr-defined, arg-type]

    monkeypatch.setattr(chain, "execute", changed)
    monkeypatch.setattr(diagnose, "execute", changed)
    with pytest.raises(CheckFailedError, match=r"at node sign1 \(Threshold\): image \d+"):
        run(build, small_images, links=links)


def test_a_deadlock_names_the_node_that_stops(broken: Path, small_images: np.ndarray) -> None:
    top = broken / "top.v"
    lines = top.read_text().splitlines()
    index = next(i for i, line in enumerate(lines) if "u_sign1" in line)
    patched = [line.replace("n_sign1_valid)", "n_nowhere)") if i >= index and "out_valid_o" in line else line for i, line in enumerate(lines)]
    first = next(i for i, (a, b) in enumerate(zip(lines, patched, strict=True)) if a != b)
    result = [*lines[:first], patched[first], *lines[first + 1 :]]
    module = next(i for i, line in enumerate(result) if "wire" in line and "n_sign1_valid" in line)
    result.insert(module, "  wire n_nowhere;\n  assign n_sign1_valid = 1'b0;")
    top.write_text("\n".join(result) + "\n")
    with pytest.raises(
        CheckFailedError, match=r"the RTL is stuck: no beat for .* cycles; .*the RTL stops at node sign1 \(Threshold\): 0 of \d+ beats"
    ):
        run(reopen(broken), small_images)


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (np.zeros((3, 4, 3, 2), dtype=np.float32), "images of float32 (4, 3, 2) from a test do not fit the build; uint8 (4, 3, 2) is accepted"),
        (np.zeros((3, 3, 4, 2), dtype=np.uint8), "images of uint8 (3, 4, 2) from a test do not fit the build; uint8 (4, 3, 2) is accepted"),
        (np.zeros((1, 4, 3, 2), dtype=np.uint8), "1 images from a test; verification streams several back to back, give at least 2"),
    ],
)
def test_images_that_do_not_fit_are_refused(small_build: Build, images: np.ndarray, text: str) -> None:
    with pytest.raises(BadInputError, match=f"^{re.escape(text)}$"):
        run(small_build, images)


def test_unknown_engines_and_links_are_refused(small_build: Build, small_images: np.ndarray) -> None:
    with pytest.raises(BadInputError, match=r"^engine 'vcs' is unknown; accepted are verilator, cocotb, gates$"):
        run(small_build, small_images, engine="vcs")
    with pytest.raises(BadInputError, match=r"^link 'board' is unknown; accepted are pytorch, qonnx, cpu, rtl$"):
        run(small_build, small_images, links=("board",))


def test_a_build_folder_that_cannot_be_written_is_verified_all_the_same(broken: Path, small_images: np.ndarray) -> None:
    shutil.rmtree(broken / "sim", ignore_errors=True)
    (broken / "sim").write_text("a file in the place of the folder of compiled models")
    run(reopen(broken), small_images)
