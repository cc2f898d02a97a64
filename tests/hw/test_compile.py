from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest

from xnorflow.errors import BadInputError, FoldingError
from xnorflow.hw.compile import compile_model
from xnorflow.hw.estimate.report import Estimate
from xnorflow.hw.fifo_sizing import insert_fifos
from xnorflow.hw.folding import FoldingRequest, fold
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.interpreter import execute
from xnorflow.hw.lowering import lower
from xnorflow.hw.nodes.mat_vec import MatVec
from xnorflow.hw.random_networks import draw

SEEDS = range(6)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(draw(3), path)
    return path


def test_a_build_holds_the_folded_network_and_the_model(model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    build = compile_model(model, tmp_path / "build", progress=said.append)
    lowered = lower(model)
    shape = build.graph.inputs["pixels"].shape
    images = np.random.default_rng(0).integers(0, 256, (3, *shape))
    (out,), (expected,) = build.graph.outputs, lowered.graph.outputs
    assert np.array_equal(execute(build.graph, {"pixels": images})[out], execute(lowered.graph, {"pixels": images})[expected])
    assert (build.folder / "model.onnx").read_bytes() == model.read_bytes()
    assert build.manifest["passes"] == list(lowered.passes)
    assert said[-1] == f"writing {build.folder}"


def test_compiling_twice_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    first, second = compile_model(model, tmp_path / "a"), compile_model(model, tmp_path / "b")
    names = sorted(p.relative_to(first.folder) for p in first.folder.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(second.folder) for p in second.folder.rglob("*") if p.is_file())
    assert all((first.folder / n).read_bytes() == (second.folder / n).read_bytes() for n in names)


def test_the_head_may_be_the_label(tmp_path: Path) -> None:
    onnx.save(draw(11), tmp_path / "model.onnx")
    build = compile_model(tmp_path / "model.onnx", tmp_path / "build", head="argmax")
    assert build.manifest["head"] == "argmax"
    assert build.graph.nodes[-1].op == "ArgMax"


def test_a_budget_of_luts_is_kept_and_used(model: Path, tmp_path: Path) -> None:
    smallest = compile_model(model, tmp_path / "small").estimate
    budget = round(1.5 * smallest.total.lut)
    chosen = compile_model(model, tmp_path / "chosen", folding=FoldingRequest(max_luts=budget)).estimate
    assert chosen.total.lut <= budget
    assert chosen.interval < smallest.interval


def test_a_budget_that_is_too_small_says_what_is_needed(model: Path, tmp_path: Path) -> None:
    with pytest.raises(FoldingError, match=r"^target of 10 LUTs is out of reach at \d+ cycles a frame: it takes at least \d+ LUT"):
        compile_model(model, tmp_path / "build", folding=FoldingRequest(max_luts=10))
    assert not (tmp_path / "build").exists()


def test_a_target_rate_is_reached(model: Path, tmp_path: Path) -> None:
    slow = compile_model(model, tmp_path / "slow").estimate
    wanted = 2.5 * slow.fps
    build = compile_model(model, tmp_path / "fast", folding=FoldingRequest(fps=wanted))
    assert build.estimate.fps >= wanted
    assert Estimate.loads((build.folder / "estimate.json").read_text()) == build.estimate


def test_a_model_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"\x00not onnx")
    for name in ("bad.onnx", "missing.onnx"):
        with pytest.raises(BadInputError) as caught:
            compile_model(tmp_path / name, tmp_path / "build")
        assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.onnx"]


def test_a_pipe_or_a_device_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(BadInputError, match="is no regular file"):
            compile_model(path, tmp_path / "build")


def test_an_existing_folder_is_refused_before_any_work(model: Path, tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    with pytest.raises(BadInputError, match="exists"):
        compile_model(model, tmp_path / "build", progress=lambda _: pytest.fail("work was begun"))


@pytest.mark.parametrize("seed", SEEDS)
def test_any_folding_of_any_network_runs_at_its_slowest_cell(seed: int) -> None:
    graph = lower(draw(seed)).graph
    rng = np.random.default_rng(seed)
    layers = {
        node.name: {"PE": int(rng.choice(divisors(node.mh))), "SIMD": int(rng.choice(divisors(node.mw)))}
        for node in graph.nodes
        if isinstance(node, MatVec)
    }
    folded = fold(graph, FoldingRequest(layers=layers))
    sized, schedule = insert_fifos(folded)
    assert schedule.interval == max(node.timing(folded.types_of(node)).interval for node in hardware_nodes(folded))
    images = rng.integers(0, 256, (2, *graph.inputs["pixels"].shape))
    (out,), (expected,) = sized.outputs, graph.outputs
    assert np.array_equal(execute(sized, {"pixels": images})[out], execute(graph, {"pixels": images})[expected])


def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]
