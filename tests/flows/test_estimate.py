from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from xnorflow.errors import BadInputError
from xnorflow.flows.compile import compile_
from xnorflow.flows.estimate import estimate
from xnorflow.hw.random_networks import draw


def test_the_estimate_of_a_build_is_the_one_it_was_compiled_with(tmp_path: Path) -> None:
    onnx.save(draw(3), tmp_path / "model.onnx")
    build = compile_(tmp_path / "model.onnx", tmp_path / "build").build
    found = estimate(build.folder)
    assert found == build.estimate
    assert set(found.to_json()) == {"interval", "latency", "clock_mhz", "nodes", "fps", "total"}


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no build folder"):
        estimate(tmp_path)
