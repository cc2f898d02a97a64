"""The command line as a user meets it: exit codes, one-line errors, JSON on stdout and words on stderr."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner, Result

from xnorflow.cli import app
from xnorflow.hw.build import Build
from xnorflow.hw.random_gates import factors, product, total
from xnorflow.hw.random_grids import Grid, GridTensor, added, convolution, quantised
from xnorflow.hw.random_networks import draw
from xnorflow.hw.random_writer import Writer


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(w) for w in words])


def refused(result: Result, code: int = 2) -> str:
    """The single line of a refusal."""
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    last = result.stderr.rstrip().splitlines()[-1]
    assert last.startswith("xnorflow: error: ")
    assert "Traceback" not in result.stderr
    return last


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "net.onnx"
    onnx.save(draw(5), str(path))
    return path


@pytest.fixture(scope="module")
def build(model: Path) -> Path:
    out = model.parent / "build"
    assert call("compile", model, "-o", out).exit_code == 0
    return out


def test_an_unknown_command_is_a_usage_error() -> None:
    assert call("synthesize").exit_code == 2


def test_without_a_command_the_help_is_shown() -> None:
    assert "compile" in call().output


def test_figures_go_to_stdout_and_words_to_stderr(model: Path, tmp_path: Path) -> None:
    result = call("compile", model, "-o", tmp_path / "b", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["estimate"]["interval"] > 0
    assert "fold" in result.stderr


def test_estimate_prints_the_same_figures_as_compile_recorded(build: Path) -> None:
    figures = json.loads(call("estimate", build, "--json").stdout)
    assert figures == json.loads((build / "estimate.json").read_text())


def test_verify_and_run_take_a_file_of_pixels(build: Path, tmp_path: Path) -> None:
    (kind,) = Build.open(build).graph.inputs.values()
    images = np.random.default_rng(0).integers(0, 256, (5, *kind.shape)).astype(np.uint8)
    np.save(tmp_path / "images.npy", images)
    report = json.loads(call("verify", build, "--data", tmp_path / "images.npy", "--json").stdout)
    assert {name: report["links"][name]["images"] for name in ("cpu", "qonnx", "rtl")} == {"cpu": 5, "qonnx": 5, "rtl": 5}
    by_cpu = json.loads(call("run", build, tmp_path / "images.npy", "--backend", "cpu", "--json").stdout)
    by_interpreter = json.loads(call("run", build, tmp_path / "images.npy", "--backend", "reference", "--json").stdout)
    assert by_cpu["logits"] == by_interpreter["logits"]


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(range(256)) * 40])
def test_a_file_that_is_no_model_is_refused_and_nothing_is_left(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    assert "bad.onnx" in refused(call("compile", tmp_path / "bad.onnx", "-o", tmp_path / "out"))
    assert [p.name for p in tmp_path.iterdir()] == ["bad.onnx"]


def test_a_truncated_model_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.onnx").write_bytes(model.read_bytes()[:-100])
    refused(call("compile", tmp_path / "cut.onnx", "-o", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def residual(path: Path, left: Grid | None, right: Grid | None, weight_bits: int = 0) -> None:
    """Writes a network that adds two branches: on grids, or in floating point where there is none; perhaps of convolutions of them."""
    writer = Writer(np.random.default_rng(0), exact=True)
    writer.input_shape = writer.shape = (1, 5, 5)
    pixels = quantised(writer, GridTensor("image", (1, 5, 5), 0, 0), Grid(8, 8, signed=False))
    stem = convolution(writer, pixels, 2, weight_bits=4)
    branches = []
    for grid in (left, right):
        scaled = replace(stem, name=writer.add("Mul", writer.const([[[3.0]], [[-5.0]]]), source=stem.name), fraction=0)
        branch = scaled if grid is None else quantised(writer, scaled, grid)
        branch = convolution(writer, branch, 2, weight_bits=weight_bits) if weight_bits else branch
        branches.append(replace(branch, fraction=0))
    both = added(writer, *branches)
    writer.tensor = writer.add("Flatten", source=quantised(writer, both, Grid(2, 6)).name)
    weights = writer.add("BipolarQuant", writer.const(1.0), source=writer.const(writer.rng.normal(size=(50, 3))))
    writer.tensor = writer.add("MatMul", weights)
    writer.shape = (3,)
    onnx.save(writer.model(), path)


@pytest.mark.parametrize(
    ("left", "right", "weight_bits", "words"),
    [
        (None, None, 0, ("node Add_", "floating point", "integerise")),
        (Grid(3, 8), None, 0, ("node Add_", "floating point", "integerise")),
        (Grid(3, 8), Grid(4, 8), 0, ("node Add_", "scales 0.125 and 0.0625", "integerise")),
        (Grid(3, 16), Grid(3, 16), 8, ("node Add_", "float32 holds up to 16777216")),
    ],
    ids=["float", "float beside a grid", "unequal scales", "overflow"],
)
def test_sums_that_are_no_integers_of_one_grid_are_refused(
    tmp_path: Path, left: Grid | None, right: Grid | None, weight_bits: int, words: tuple[str, ...]
) -> None:
    residual(tmp_path / "net.onnx", left, right, weight_bits)
    line = refused(call("compile", tmp_path / "net.onnx", "-o", tmp_path / "out"))
    assert [word for word in words if word not in line] == []
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]


def test_the_same_sum_on_one_grid_compiles(tmp_path: Path) -> None:
    residual(tmp_path / "net.onnx", Grid(3, 8), Grid(3, 8))
    assert call("compile", tmp_path / "net.onnx", "-o", tmp_path / "out").exit_code == 0
    assert json.loads(call("fifos", tmp_path / "out", "--json").stdout)["interval"] > 0


def test_a_gate_whose_frame_exceeds_the_budget_of_block_rams_is_refused_and_named(tmp_path: Path) -> None:
    writer = Writer(np.random.default_rng(0), exact=True)
    writer.input_shape = writer.shape = (1, 16, 16)
    pixels = quantised(writer, GridTensor("image", (1, 16, 16), 0, 0), Grid(8, 8, signed=False))
    stream = quantised(writer, convolution(writer, pixels, 8, weight_bits=4), Grid(2, 9))
    gated = quantised(writer, product(writer, stream, factors(writer, total(writer, stream), 8)), Grid(2, 9))
    summed = total(writer, gated)
    writer.tensor, writer.shape = writer.add("Flatten", source=summed.name), (8,)
    onnx.save(writer.model(), tmp_path / "net.onnx")
    line = refused(call("compile", tmp_path / "net.onnx", "-o", tmp_path / "out", "--max-brams", "0"))
    assert re.search(r"budget of 0 BRAM18 is exceeded.* where the frame of gate Mul_\w+ waits \(\d+ beats of \d+ bits\); raise", line)
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
    assert call("compile", tmp_path / "net.onnx", "-o", tmp_path / "out", "--max-brams", "40").exit_code == 0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--fps", "-1"), "fps"),
        (("--fps", "1e12"), "reachable"),
        (("--clock", "nan"), "clock"),
        (("--max-luts", "1"), "LUT"),
        (("--max-brams", "-1"), "-1 BRAM18 is negative"),
        (("--pixel-scale", "1/0"), "pixel scale"),
        (("--mean", "a,b"), "--mean"),
        (("--std", "0"), "std"),
        (("--head", "softmax"), "head"),
        (("--folding", "nowhere.json"), "nowhere.json"),
    ],
)
def test_options_out_of_range_are_refused_by_name(model: Path, tmp_path: Path, options: tuple[str, ...], word: str) -> None:
    assert word in refused(call("compile", model, "-o", tmp_path / "out", *options))
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_kept_unless_forced(model: Path, build: Path) -> None:
    before = (build / "manifest.json").read_bytes()
    assert "--force" in refused(call("compile", model, "-o", build)) or "force" in refused(call("compile", model, "-o", build))
    assert (build / "manifest.json").read_bytes() == before


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path) -> None:
    for command in (("estimate",), ("fifos",), ("verify",), ("synth",), ("run",)):
        extra = ["digits"] if command == ("run",) else []
        assert str(tmp_path) in refused(call(*command, tmp_path, *extra))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "virtex"), "target 'virtex' is unknown; accepted are xc7, asic, ecp5, ice40"),
        (("--liberty", "cells.lib"), "--liberty cells.lib is for --target asic, not for xc7"),
        (("--pnr",), "--pnr is for --target ecp5 and ice40; nothing here places for xc7"),
        (("--target", "asic", "--liberty", "absent.lib"), "Liberty file absent.lib cannot be read: No such file or directory"),
    ],
)
def test_a_synthesis_that_cannot_be_is_refused_in_one_line(build: Path, options: tuple[str, ...], words: str) -> None:
    assert words in refused(call("synth", build, *options))


def test_a_build_of_another_version_is_refused(build: Path, tmp_path: Path) -> None:
    manifest = json.loads((build / "manifest.json").read_text())
    manifest["xnorflow"] = "0.0.0"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert "0.0.0" in refused(call("estimate", tmp_path))


def test_images_of_the_wrong_shape_are_refused(build: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((2, 3, 3, 7), dtype=np.uint8))
    refused(call("verify", build, "--data", tmp_path / "images.npy"))
    np.save(tmp_path / "floats.npy", np.zeros((2, 3, 3, 7), dtype=np.float32))
    refused(call("run", build, tmp_path / "floats.npy"))


def test_unknown_engines_and_backends_are_refused(build: Path) -> None:
    assert "engine" in refused(call("verify", build, "--engine", "modelsim"))
    assert "backend" in refused(call("run", build, "digits", "--backend", "gpu"))


def test_a_checkpoint_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.ckpt").write_bytes(b"nothing")
    refused(call("evaluate", tmp_path / "net.ckpt"))
    refused(call("export", tmp_path / "net.ckpt", "-o", tmp_path / "net.onnx"))
    assert not (tmp_path / "net.onnx").exists()


def test_names_in_a_model_reach_no_file_and_no_verilog(tmp_path: Path) -> None:
    evil = draw(5)
    for index, node in enumerate(evil.graph.node):
        node.name = f"a; $finish /* ../x {index}\n"
    onnx.save(evil, str(tmp_path / "evil.onnx"))
    assert call("compile", tmp_path / "evil.onnx", "-o", tmp_path / "out").exit_code == 0
    written = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert not [p for p in written if p.suffix in {".v", ".sv"} and "$finish" in p.read_text() and "rtl" not in p.parts]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evil.onnx", "out"]
    assert call("verify", tmp_path / "out", "--images", "3").exit_code == 0


def test_an_interrupt_ends_in_one_word_and_its_own_exit_code(tmp_path: Path) -> None:
    code = """
import sys
import xnorflow.cli, xnorflow.flows.doctor
def stop():
    raise KeyboardInterrupt
xnorflow.flows.doctor.doctor = stop
sys.argv = ["xnorflow", "doctor"]
xnorflow.cli.main()
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (130, "xnorflow: interrupted\n")


def shell(arguments: str, redirection: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The program as a shell starts it, with its own standard streams."""
    program = f"{sys.executable} -c 'from xnorflow.cli import main; main()' {arguments} {redirection}"
    return subprocess.run(["bash", "-c", program], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", ["--help", "--version", "estimate {build}", "estimate {build} --json"])
def test_a_full_output_is_told_in_one_line(build: Path, tmp_path: Path, arguments: str) -> None:
    result = shell(arguments.format(build=build), ">/dev/full", tmp_path)
    assert (result.returncode, result.stderr) == (2, "xnorflow: error: output: No space left on device\n")


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&-"])
def test_words_that_cannot_be_written_change_nothing_else(build: Path, model: Path, tmp_path: Path, stream: str) -> None:
    compiled = shell(f"compile {model} -o out --json", stream, tmp_path)
    assert compiled.returncode == 0
    assert json.loads(compiled.stdout)["estimate"] == json.loads((build / "estimate.json").read_text())
    refusal = shell("estimate nowhere", stream, tmp_path)
    assert (refusal.returncode, refusal.stdout) == (2, "")


def test_memory_that_is_not_there_is_told_in_one_line(build: Path) -> None:
    assert "not enough memory" in refused(call("verify", build, "--images", 10**14))


def test_a_seed_beyond_its_range_is_refused(build: Path) -> None:
    assert "is not between 0 and 2147483647" in refused(call("verify", build, "--seed", 1 << 31))
