from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from xnorflow.errors import CheckFailedError
from xnorflow.hw.interpreter import execute
from xnorflow.sim.cocotb_net import run_benches

if TYPE_CHECKING:
    from xnorflow.hw.build import Build
    from xnorflow.hw.types import IntArray
    from xnorflow.sim.tools import Simulator

SIMULATORS = [
    pytest.param("verilator", marks=pytest.mark.verilator),
    pytest.param(
        "icarus", marks=[pytest.mark.icarus, pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")]
    ),
]


def outputs_of(build: Build, images: np.ndarray) -> IntArray:
    return execute(build.graph, {"pixels": images.astype(np.int64)})[build.graph.outputs[0]]


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_network_equals_the_interpreter_under_stalls_and_through_a_reset(
    small_build: Build, small_images: np.ndarray, simulator: Simulator
) -> None:
    images = small_images[:6]
    ran = run_benches(small_build, images, outputs_of(small_build, images), stalls=True, seed=3, simulators=(simulator,))
    assert ran == (simulator,)
    assert not list(small_build.folder.glob("*.xml")), "the bench left files in the build folder"


@pytest.mark.verilator
def test_a_folder_with_blanks_and_quotes_in_its_name_is_simulated(small_build: Build, small_images: np.ndarray, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_build.folder, tmp_path / 'it\'s a "build" $HOME é'))
    images = small_images[:2]
    moved = dataclasses.replace(small_build, folder=folder)
    assert run_benches(moved, images, outputs_of(small_build, images), stalls=False, seed=1, simulators=("verilator",)) == ("verilator",)


@pytest.mark.icarus
@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_a_wrong_output_is_reported_with_image_beat_and_seed(small_build: Build, small_images: np.ndarray) -> None:
    images = small_images[:4]
    wanted = outputs_of(small_build, images).copy()
    wanted[2, 1] += 2
    beat = 1 // small_build.manifest["output"]["lanes"]
    with pytest.raises(CheckFailedError, match=rf"image 2, beat {beat}: [0-9a-f]+ instead of [0-9a-f]+ \(seed 8\)"):
        run_benches(small_build, images, wanted, stalls=False, seed=8, simulators=("icarus",))


@pytest.mark.icarus
@pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")
def test_a_top_that_stops_is_reported_as_stuck(small_build: Build, small_images: np.ndarray, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_build.folder, tmp_path / "build"))
    port = folder / "rtl" / "xf_axis_in.sv"
    text = port.read_text()
    port.write_text(re.sub(r"assign (s_axis_tready_o|out_valid_o) *= ", r"assign \1 = 1'b0 & ", text))
    assert port.read_text() != text
    broken = dataclasses.replace(small_build, folder=folder)
    images = small_images[:2]
    with pytest.raises(CheckFailedError, match=r"stuck: no beat for \d+ cycles, after 0 beats in and 0 out since the reset \(seed 1\)"):
        run_benches(broken, images, outputs_of(small_build, images), stalls=False, seed=1, simulators=("icarus",))
