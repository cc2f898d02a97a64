from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from xnorflow.errors import BadInputError, FoldingError
from xnorflow.flows.compile import compile_
from xnorflow.hw.random_networks import draw


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(draw(3), path)
    return path


def test_the_result_tells_ports_host_folding_and_estimate(model: Path, tmp_path: Path) -> None:
    result = compile_(model, tmp_path / "build", clock_mhz=200.0)
    record = json.loads(json.dumps(result.to_json()))
    assert set(record) == {"build", "input", "output", "head", "pixel_norm", "host", "folding", "estimate"}
    assert record["estimate"]["fps"] == 2e8 / record["estimate"]["interval"]


def test_options_become_one_pixel_normalisation(model: Path, tmp_path: Path) -> None:
    channels = compile_(model, tmp_path / "a").build.graph.inputs["pixels"].channels
    result = compile_(model, tmp_path / "b", pixel_scale="1/127", mean=[0.5] * channels, std=[0.25])
    assert result.to_json()["pixel_norm"] == {"scale": "1/127", "mean": [0.5] * channels, "std": [0.25]}


def test_the_written_folding_is_accepted_again(model: Path, tmp_path: Path) -> None:
    first = compile_(model, tmp_path / "a", fps=20_000)
    folding = tmp_path / "folding.json"
    folding.write_text(json.dumps(first.to_json()["folding"]))
    assert compile_(model, tmp_path / "b", folding=folding).to_json()["folding"] == first.to_json()["folding"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"head": "label"}, "head 'label' is unknown; accepted are logits and argmax"),
        ({"pixel_scale": "1/0"}, "pixel scale '1/0' is no fraction"),
        ({"pixel_scale": "x"}, "pixel scale 'x' is no fraction"),
        ({"pixel_scale": "-1"}, "is not positive"),
        ({"mean": [0.1] * 7}, "pixel mean has 7 values"),
        ({"folding": Path("missing.json")}, "folding file missing.json"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line_and_writes_nothing(model: Path, tmp_path: Path, options, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        compile_(model, tmp_path / "build", **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "build").exists()


def test_two_targets_are_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(FoldingError, match="fps and max_luts"):
        compile_(model, tmp_path / "build", fps=1.0, max_luts=5)
