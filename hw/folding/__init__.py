"""Folding: how many rows, columns and lanes each node computes in a cycle (docs/folding.md)."""

from __future__ import annotations

from xnorflow.hw.folding.finn_json import folding_to_json
from xnorflow.hw.folding.fold import fold, foldings
from xnorflow.hw.folding.request import FoldingRequest

__all__ = ["FoldingRequest", "fold", "folding_to_json", "foldings"]
