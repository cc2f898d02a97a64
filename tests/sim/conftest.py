from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from xnorflow.hw.build import Build
from xnorflow.hw.chain import FloatChain, FloatStep, StepKind
from xnorflow.hw.folding import FoldingRequest
from xnorflow.hw.graph import Graph, StreamType
from xnorflow.hw.nodes import Flatten, Threshold, XnorMatVec
from xnorflow.hw.plan import plan
from xnorflow.hw.types import BIPOLAR, IntArray, IntType
from xnorflow.hw.write_build import write_build
from xnorflow.pixels import PixelNorm
from xnorflow.sim.rtl import RtlRequest, rtl_model

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = StreamType((4, 3, 2), IntType(8, signed=False))


def _signs(rng: np.random.Generator, *shape: int) -> IntArray:
    return rng.choice(np.array([-1, 1], dtype=np.int64), size=shape)


def _threshold(name: str, source: str, thresholds: IntArray, negate: list[int]) -> Threshold:
    flags = np.isin(np.arange(len(thresholds)), negate)
    return Threshold(name=name, inputs=(source,), outputs=(f"{name}_out",), thresholds=thresholds, negate=flags, base=-1, step=2, out_type=BIPOLAR)


def small_graph() -> Graph:
    """Pixels to signs, then two binary matrices with a sign between them: 24 -> 12 -> 5."""
    rng = np.random.default_rng(11)
    nodes = (
        _threshold("binarise", "pixels", np.array([[100], [140]], dtype=np.int64), []),
        Flatten(name="flat", inputs=("binarise_out",), outputs=("flat_out",)),
        XnorMatVec(name="fc1", inputs=("flat_out",), outputs=("fc1_out",), weights=_signs(rng, 12, 24), weight_type=BIPOLAR),
        _threshold("sign1", "fc1_out", rng.integers(-4, 5, (12, 1), dtype=np.int64), [1, 5]),
        XnorMatVec(name="fc2", inputs=("sign1_out",), outputs=("fc2_out",), weights=_signs(rng, 5, 12), weight_type=BIPOLAR),
    )
    return Graph({"pixels": PIXELS}, nodes, ("fc2_out",))


def small_tail() -> FloatChain:
    """A scale and a bias per class."""
    scale, bias = np.linspace(0.1, 0.3, 5), np.linspace(-1, 1, 5)
    return FloatChain((FloatStep.of(StepKind.MUL, scale), FloatStep.of(StepKind.ADD, bias)))


@pytest.fixture(scope="session")
def small_build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A compiled network made by hand, without a QONNX file; treat it as read-only."""
    folder: Path = tmp_path_factory.mktemp("small") / "build"
    write_build(folder, plan(small_graph(), tail=small_tail(), pixel_norm=PixelNorm(), folding=FoldingRequest()))
    build = Build.open(folder)
    for probed in (False, True):  # copies of the folder then find both models compiled
        rtl_model(RtlRequest.of(build), probed=probed)
    return build


@pytest.fixture(scope="session")
def small_images() -> np.ndarray:
    """Images that fit the small build."""
    return np.random.default_rng(7).integers(0, 256, (60, *PIXELS.shape), dtype=np.uint8)
