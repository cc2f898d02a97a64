from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from xnorflow.errors import BadInputError
from xnorflow.hw.interpreter import execute
from xnorflow.sim.accelerator import Accelerator

if TYPE_CHECKING:
    from xnorflow.hw.build import Build


@pytest.mark.verilator
@pytest.mark.parametrize("backend", ["reference", "cpu", "verilator"])
def test_every_backend_gives_the_same_float32_logits(small_build: Build, small_images: np.ndarray, backend: str) -> None:
    logits = Accelerator.open(small_build.folder, backend).infer(small_images)
    integers = execute(small_build.graph, {"pixels": small_images.astype(np.int64)})["fc2_out"]
    scale, bias = np.linspace(0.1, 0.3, 5, dtype=np.float32), np.linspace(-1, 1, 5, dtype=np.float32)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, integers.astype(np.float32) * scale + bias)


@pytest.mark.verilator
def test_one_image_is_enough(small_build: Build, small_images: np.ndarray) -> None:
    one = Accelerator.open(small_build, "verilator").infer(small_images[:1])
    np.testing.assert_array_equal(one, Accelerator.open(small_build, "reference").infer(small_images[:1]))


@pytest.mark.verilator
@pytest.mark.parametrize("images", [np.zeros((2, 4, 3, 2)), np.zeros((2, 2, 4, 3), dtype=np.uint8), np.zeros((4, 3, 2), dtype=np.uint8)])
def test_images_that_do_not_fit_are_refused(small_build: Build, images: np.ndarray) -> None:
    text = f"images are {images.dtype} {images.shape}; uint8 (N, 4, 3, 2) is accepted"
    with pytest.raises(BadInputError, match=f"^{re.escape(text)}$"):
        Accelerator.open(small_build).infer(images)


@pytest.mark.verilator
def test_an_unknown_backend_is_refused(small_build: Build) -> None:
    with pytest.raises(BadInputError, match=r"^backend 'gpu' is unknown; accepted are reference, cpu, verilator, pynq$"):
        Accelerator.open(small_build, "gpu")
