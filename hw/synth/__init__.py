"""Synthesis with Yosys: what a build really costs, on xc7 beside what was estimated, in standard cells, and placed on ECP5 and iCE40."""

from __future__ import annotations

from xnorflow.hw.synth.asic import AsicSynthesis, synthesise_asic
from xnorflow.hw.synth.lattice import DEVICES, LatticeSynthesis, synthesise_lattice
from xnorflow.hw.synth.report import Synthesis, synthesise
from xnorflow.hw.synth.yosys import CellCounts, run_yosys

__all__ = [
    "DEVICES",
    "AsicSynthesis",
    "CellCounts",
    "LatticeSynthesis",
    "Synthesis",
    "run_yosys",
    "synthesise",
    "synthesise_asic",
    "synthesise_lattice",
]
