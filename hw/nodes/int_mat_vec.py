"""IntMatVec: integer inputs times integer or bipolar weights (first and last layers, few-bit networks)."""

from __future__ import annotations

from dataclasses import dataclass

from xnorflow.hw.nodes.mat_vec import MatVec


@dataclass(frozen=True, eq=False, kw_only=True)
class IntMatVec(MatVec):
    """``acc[m] = sum_k w[m, k] * x[k] (+ border)`` over any two stream types."""

    op = "IntMatVec"
