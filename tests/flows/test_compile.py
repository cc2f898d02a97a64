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
    assert set(record) == {"build", "input", "output", "head", "pixel_norm", "host", "folding", "next_step", "estimate"}
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
    (tmp_path / "folding.json").write_text("{}")
    with pytest.raises(FoldingError, match="fps and layers"):
        compile_(model, tmp_path / "build", fps=1.0, folding=tmp_path / "folding.json")


def test_a_rate_may_have_a_budget(model: Path, tmp_path: Path) -> None:
    free = compile_(model, tmp_path / "free", fps=20_000).build.estimate
    assert compile_(model, tmp_path / "same", fps=20_000, max_luts=free.total.lut, max_dsps=free.total.dsp).build.estimate == free
    with pytest.raises(FoldingError, match=r"target of 1 LUTs is out of reach at \d+ cycles a frame: it takes at least"):
        compile_(model, tmp_path / "build", fps=20_000, max_luts=1)


def test_a_board_is_a_budget_of_seven_tenths_of_its_part(model: Path, tmp_path: Path) -> None:
    result = compile_(model, tmp_path / "build", board="Pynq-Z1")
    total, step = result.build.estimate.total, result.build.next_step
    assert (total.lut <= 37_240, total.ff <= 74_480, total.bram18 <= 196, total.dsp <= 154) == (True,) * 4
    assert step is not None
    assert step.interval == result.build.estimate.interval
    assert result.to_json()["next_step"] == step.to_json()
    with pytest.raises(BadInputError, match="board 'Zed' is unknown"):
        compile_(model, tmp_path / "other", board="Zed")
