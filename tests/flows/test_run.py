"""Running a build gives the labels and logits that the graph and its host tail define."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xnorflow.errors import BadInputError
from xnorflow.flows.run import run
from xnorflow.hw import interpreter
from xnorflow.hw.build import Build
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.graph import Graph, Node, StreamType
from xnorflow.hw.nodes import ArgMax, Flatten, Threshold, XnorMatVec
from xnorflow.hw.plan import plan
from xnorflow.hw.types import BIPOLAR, IntType
from xnorflow.hw.write_build import write_build
from xnorflow.pixels import PixelNorm

CLASSES = 4


def write(folder: Path, channels: int, labels: bool) -> Path:
    """A one-layer binary network on images of 4 x 5 pixels."""
    rng = np.random.default_rng(3)
    limits, same = rng.integers(60, 200, (channels, 1)), np.zeros(channels, dtype=bool)
    weights = rng.choice(np.array([-1, 1]), (CLASSES, 20 * channels))
    nodes: tuple[Node, ...] = (
        Threshold(name="binarise", inputs=("pixels",), outputs=("a",), thresholds=limits, negate=same, base=-1, step=2, out_type=BIPOLAR),
        Flatten(name="flat", inputs=("a",), outputs=("b",)),
        XnorMatVec(name="fc", inputs=("b",), outputs=("c",), weights=weights, weight_type=BIPOLAR),
    )
    if labels:
        nodes += (ArgMax(name="best", inputs=("c",), outputs=("d",)),)
    graph = Graph({"pixels": StreamType((4, 5, channels), IntType(8, signed=False))}, nodes, ("d" if labels else "c",))
    tail = FloatChain(()) if labels else FloatChain((FloatStep.of(StepKind.MUL, np.array([0.1, -0.7, 1.3, 0.9])),))
    head = "argmax" if labels else "logits"
    write_build(folder, plan(graph, tail=tail, pixel_norm=PixelNorm(), folding=FoldingRequest(), head=head))
    return folder


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("grey") / "build", 1, labels=False)


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("colour") / "build", 3, labels=True)


def pixels(channels: int, count: int = 6) -> np.ndarray:
    return np.random.default_rng(8).integers(0, 256, (count, 4, 5, channels), dtype=np.uint8)


def expected(folder: Path, images: np.ndarray) -> np.ndarray:
    graph = Build.open(folder).graph
    return interpreter.execute(graph, {"pixels": images.astype(np.int64)})[graph.outputs[0]]


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_logits_are_the_tail_of_the_graphs_output(grey: Path, backend: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", pixels(1))
    result = run(grey, [str(tmp_path / "x.npy")], backend=backend)
    assert result.logits is not None
    logits = expected(grey, pixels(1)).astype(np.float32) * np.array([0.1, -0.7, 1.3, 0.9], dtype=np.float32)
    assert result.logits.dtype == np.float32
    assert np.array_equal(result.logits, logits)
    assert np.array_equal(result.labels, logits.argmax(axis=1))
    assert result.accuracy is None


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_hardware_that_ends_in_argmax_gives_labels_only(colour: Path, backend: str, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", pixels(3))
    result = run(colour, [str(tmp_path / "x.npy")], backend=backend)
    assert result.logits is None
    assert np.array_equal(result.labels, expected(colour, pixels(3))[:, 0])


def test_pictures_give_what_their_pixels_give(grey: Path, colour: Path, tmp_path: Path) -> None:
    for folder, channels in ((grey, 1), (colour, 3)):
        paths = [tmp_path / f"{channels}_{index}.png" for index in range(6)]
        for path, image in zip(paths, pixels(channels), strict=True):
            Image.fromarray(image[..., 0] if channels == 1 else image).save(path)
        np.save(tmp_path / "x.npy", pixels(channels))
        whole = run(folder, [str(tmp_path / "x.npy")])
        assert np.array_equal(run(folder, [str(path) for path in paths]).labels, whole.labels)
        assert np.array_equal(run(folder, [str(path) for path in paths], limit=2).labels, whole.labels[:2])


def test_the_figures_are_plain_json(grey: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", pixels(1, 2))
    lines: list[str] = []
    result = run(grey, [str(tmp_path / "x.npy")], progress=lines.append)
    figures = json.loads(json.dumps(result.to_json()))
    assert (figures["images"], figures["backend"], figures["accuracy"]) == (2, "cpu", None)
    assert np.array_equal(np.array(figures["logits"], dtype=np.float32), result.logits)
    assert lines == ["running 2 images on backend cpu"]


def picture(path: Path, mode: str, size: tuple[int, int]) -> str:
    Image.new(mode, size).save(path)
    return str(path)


def test_images_that_do_not_fit_are_refused_in_one_line(grey: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    whole = Path(picture(tmp_path / "whole.png", "L", (5, 4))).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:45])
    np.save(tmp_path / "turned.npy", pixels(1).transpose(0, 3, 1, 2))
    np.save(tmp_path / "float.npy", pixels(1).astype(np.float32))
    cases = {
        (): "no images were given; PNG or JPEG files, digits, ",
        (picture(tmp_path / "big.png", "L", (6, 4)),): f"picture {tmp_path}/big.png is L of 6x4 pixels; grey of 5x4 is accepted",
        (picture(tmp_path / "rgb.png", "RGB", (5, 4)),): f"picture {tmp_path}/rgb.png is RGB of 5x4 pixels; grey of 5x4 is accepted",
        (str(tmp_path / "text.png"),): f"picture {tmp_path}/text.png is no image file that can be read",
        (str(tmp_path / "cut.png"),): f"picture {tmp_path}/cut.png cannot be read: the file is damaged",
        (str(tmp_path / "none.png"),): f"picture {tmp_path}/none.png cannot be read: No such file or directory",
        (str(tmp_path / "turned.npy"),): "images are uint8 (6, 1, 4, 5); uint8 (N, 4, 5, 1) is accepted",
        (str(tmp_path / "float.npy"),): f"images {tmp_path}/float.npy hold float32 (6, 4, 5, 1); uint8 (N, H, W, C) is accepted",
        ("a.png", "digits"): "images digits cannot be mixed with others; give it alone",
    }
    with pytest.raises(BadInputError, match="0 images were asked for; 1 files were given"):
        run(grey, [str(tmp_path / "whole.png")], limit=0)
    for given, message in cases.items():
        with pytest.raises(BadInputError) as error:
            run(grey, given)
        assert str(error.value).startswith(message)
        assert "\n" not in str(error.value)


def test_an_array_file_that_claims_more_than_memory_is_refused(grey: Path, tmp_path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999, 4, 5, 1), }".ljust(117) + b"\n"
    (tmp_path / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00" + header)
    with pytest.raises(BadInputError, match=r"huge\.npy cannot be read: its header claims more than fits in memory"):
        run(grey, [str(tmp_path / "huge.npy")])


def test_an_unknown_backend_is_refused_before_images_are_read(grey: Path) -> None:
    with pytest.raises(BadInputError, match="backend 'gpu' is unknown; accepted are reference, cpu, verilator, pynq"):
        run(grey, ["missing.npy"], backend="gpu")
