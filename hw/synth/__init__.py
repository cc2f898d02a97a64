"""Synthesis for xc7 with Yosys: what a build really costs, beside what was estimated."""

from __future__ import annotations

from xnorflow.hw.synth.report import Synthesis, synthesise
from xnorflow.hw.synth.yosys import CellCounts, run_yosys

__all__ = ["CellCounts", "Synthesis", "run_yosys", "synthesise"]
