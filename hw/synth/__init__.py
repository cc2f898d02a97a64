"""Synthesis with Yosys: what a build really costs, on xc7 beside what was estimated, and in standard cells."""

from __future__ import annotations

from xnorflow.hw.synth.asic import AsicSynthesis, synthesise_asic
from xnorflow.hw.synth.report import Synthesis, synthesise
from xnorflow.hw.synth.yosys import CellCounts, run_yosys

__all__ = ["AsicSynthesis", "CellCounts", "Synthesis", "run_yosys", "synthesise", "synthesise_asic"]
