from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.flows.images import load_images, random_images
from xnorflow.flows.verify import verify
from xnorflow.hw.build import Build, file_hash
from xnorflow.hw.compile import compile_model
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.random_networks import draw
from xnorflow.hw.serialise import graph_to_json

pytestmark = pytest.mark.verilator
SEED = 3


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A random network, compiled from its QONNX file."""
    folder = tmp_path_factory.mktemp("verify")
    (folder / "model.onnx").write_bytes(draw(SEED).SerializeToString())
    return compile_model(folder / "model.onnx", folder / "build")


def change_a_weight(build: Build) -> str:
    """Negate a row of the last matrix in graph.json, with a hash that fits; returns the node's name."""
    last = next(node for node in reversed(build.graph.nodes) if isinstance(node, MatVec))
    weights = last.weights.copy()
    weights[0] = -weights[0]
    nodes = [dataclasses.replace(n, weights=weights) if n is last else n for n in build.graph.nodes]
    (build.folder / "graph.json").write_text(graph_to_json(build.graph.with_nodes(nodes)))
    manifest = build.manifest | {"files": build.manifest["files"] | {"graph.json": file_hash(build.folder / "graph.json")}}
    (build.folder / "manifest.json").write_text(json.dumps(manifest))
    return last.name


def shape_of(build: Build) -> tuple[int, ...]:
    (kind,) = build.graph.inputs.values()
    return kind.shape


def test_without_data_random_pixels_go_through_every_link_and_the_report_says_so(build: Build) -> None:
    report = verify(build.folder, images=20, seed=6)
    assert report.source == "random pixels, seed 6"
    assert {name: link.images for name, link in report.links.items()} == {"cpu": 20, "qonnx": 20, "pytorch": 0, "rtl": 20}
    assert report.links["pytorch"].reason == "no checkpoint was given"
    assert report.rtl is not None
    assert report.rtl.deviation_percent == 0
    json.dumps(report.to_json())


def test_a_numpy_file_is_streamed_as_it_is(build: Build, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", random_images(shape_of(build), 9, 1).images)
    report = verify(build.folder, data=str(tmp_path / "images.npy"), stalls=True)
    assert report.images == 9
    assert report.source == str(tmp_path / "images.npy")
    assert report.links["rtl"].images == 9


def test_a_limit_on_the_qonnx_link_is_reported(build: Build) -> None:
    link = verify(build.folder, images=10, qonnx_images=4, links=("qonnx",)).links["qonnx"]
    assert (link.images, link.reason) == (4, "QONNX execution was limited to 4 images")


def test_a_weight_changed_in_graph_json_is_found_and_its_node_named(build: Build, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(build.folder, tmp_path / "build"))
    node = change_a_weight(Build.open(folder))
    with pytest.raises(CheckFailedError, match=rf"QONNX differs from the interpreter at the .*node {node} "):
        verify(folder, images=20, links=("qonnx",))
    with pytest.raises(CheckFailedError, match=rf"the RTL differs from the interpreter at node {node} "):
        verify(folder, images=20, links=("rtl",))


def inexact_build(folder: Path) -> Build:
    (folder / "model.onnx").write_bytes(draw(24, exact=False).SerializeToString())
    build = compile_model(folder / "model.onnx", folder / "build")
    assert build.manifest["notes"]["float_exact"] is False
    return build


def test_a_file_that_rounds_its_sums_is_checked_within_the_proven_bound(tmp_path: Path) -> None:
    link = verify(inexact_build(tmp_path).folder, images=50, seed=24, links=("qonnx",)).links["qonnx"]
    assert (link.images, link.compared) == (50, "every stream, within the proven bound of the file's rounded float32 sums")


def test_a_changed_weight_is_found_in_a_build_of_such_a_file_too(tmp_path: Path) -> None:
    build = inexact_build(tmp_path)
    change_a_weight(build)
    with pytest.raises(CheckFailedError, match=r"^QONNX differs from the interpreter in the batch from image 0 on: "):
        verify(build.folder, images=20, links=("qonnx",))


def test_a_damaged_build_is_refused(build: Build, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(build.folder, tmp_path / "build"))
    (folder / "top.v").write_text("module top; endmodule\n")
    with pytest.raises(BadInputError, match=r"top.v is missing or has changed since it was compiled"):
        verify(folder)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((2, 3, 3, 1), dtype=np.float32), "hold float32 (2, 3, 3, 1); uint8 (N, H, W, C) is accepted"),
        (np.zeros((3, 3, 1), dtype=np.uint8), "hold uint8 (3, 3, 1); uint8 (N, H, W, C) is accepted"),
        (np.zeros((0, 3, 3, 1), dtype=np.uint8), "hold uint8 (0, 3, 3, 1); uint8 (N, H, W, C) is accepted"),
    ],
)
def test_a_numpy_file_of_another_kind_is_refused(tmp_path: Path, array: np.ndarray, text: str) -> None:
    np.save(tmp_path / "images.npy", array)
    with pytest.raises(BadInputError, match=f"^{re.escape(f'images {tmp_path}/images.npy {text}')}$"):
        load_images(str(tmp_path / "images.npy"))


def test_files_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(BadInputError, match=r"text.npy cannot be read: it is no array file$"):
        load_images(str(tmp_path / "text.npy"))
    with pytest.raises(BadInputError, match=r"missing.npy cannot be read: No such file or directory$"):
        load_images(str(tmp_path / "missing.npy"))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(BadInputError, match=r"cannot be read: it is no array file$"):
        load_images(str(tmp_path / "objects.npy"))


def test_a_data_set_gives_its_first_test_images_with_labels() -> None:
    few = load_images("digits", 5)
    assert few.images.shape[0] == 5
    assert few.labels is not None
    assert few.source == "digits, test images"
    with pytest.raises(BadInputError, match=r"^99999 images were asked for; digits has \d+$"):
        load_images("digits", 99999)
