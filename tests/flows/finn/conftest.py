"""A network of everything that FINN alone changes or refuses, and what its builder made of it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from xnorflow.flows.compile import compile_
from xnorflow.flows.finn.run import FinnResult, finn
from xnorflow.flows.vendor_tools import HOW_TO_GET
from xnorflow.hw.build import Build
from xnorflow.hw.random_networks import draw
from xnorflow.hw.random_writer import Writer

CHANNELS = 4


@pytest.fixture(scope="session", autouse=True)
def no_vendor_tools() -> Iterator[None]:
    """A developer's own Vivado starts in none of these tests."""
    folders = [f for f in os.environ["PATH"].split(os.pathsep) if not any(Path(f, tool).exists() for tool in HOW_TO_GET)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join(folders))
        yield


def signs(w: Writer, *shape: int) -> str:
    return w.add("BipolarQuant", w.const(1.0), source=w.const(w.rng.normal(size=shape)))


def affine(w: Writer) -> None:
    axes = (1, w.shape[0], 1, 1)
    w.tensor = w.add("Mul", w.const(w.rng.normal(size=axes)))
    w.tensor = w.add("Add", w.const(w.rng.normal(size=axes)))


def traps() -> onnx.ModelProto:
    """A zero-padded binary convolution, a pool and a PReLU in front of the sign, a binary tensor that is forked and added to the sums
    of a zero-padded depthwise convolution, and an unsigned activation of one bit."""
    w = Writer(np.random.default_rng(4), exact=True)
    w.input_shape = w.shape = (CHANNELS, 6, 6)
    w.tensor = w.add("Sub", w.const(0.4))
    w.tensor = w.add("BipolarQuant", w.const(1.0))
    w.tensor = w.add("Conv", signs(w, CHANNELS, CHANNELS, 3, 3), kernel_shape=[3, 3], pads=[1] * 4)
    w.tensor = w.add("MaxPool", kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4)
    affine(w)
    w.tensor = w.add("PRelu", w.const(w.rng.uniform(0, 0.5, (CHANNELS, 1, 1))))
    binary = w.tensor = w.add("BipolarQuant", w.const(1.0))
    w.tensor = w.add("Conv", signs(w, CHANNELS, 1, 3, 3), kernel_shape=[3, 3], pads=[1] * 4, group=CHANNELS)
    w.tensor = w.add("Add", binary)
    affine(w)
    w.tensor = w.add("Quant", w.const(1.0), w.const(0.0), w.const(1.0), signed=0, narrow=0, rounding_mode="ROUND")
    w.tensor = w.add("Flatten", axis=1)
    w.tensor = w.add("Gemm", signs(w, 5, CHANNELS * 36), transB=1)
    w.shape = (5,)
    return w.model()


@pytest.fixture(scope="session")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Build, FinnResult]:
    if importlib.util.find_spec("finn") is None:
        pytest.skip("finn-plus is not installed")
    folder = tmp_path_factory.mktemp("traps")
    onnx.save(traps(), folder / "net.onnx")
    build = compile_(folder / "net.onnx", folder / "build", fps=100_000).build
    return build, finn(build.folder, folder / "out", simulate=4)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Build:
    folder = tmp_path_factory.mktemp("plain")
    onnx.save(draw(5), folder / "net.onnx")
    return compile_(folder / "net.onnx", folder / "build").build
