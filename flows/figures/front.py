"""LUTs against images a second, and the front of what nothing beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from xnorflow.flows.figures.style import BINARY, MUTED

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from xnorflow.flows.explore import Point


def front_figure(points: Sequence[Point], front: Collection[int], title: str) -> Figure:
    """All points, both axes logarithmic; those of the front joined by steps, with their BRAM18 beside them.

    Args:
        points: one or more.
        front: intervals of those on the front.
        title: stands above.
    """
    best = sorted((point for point in points if point.interval in front), key=lambda point: point.fps)
    figure = Figure(figsize=(6.0, 4.2), layout="constrained")
    figure.suptitle(title.replace("$", r"\$"), fontsize=9)
    panel = figure.subplots()
    panel.loglog([p.fps for p in points], [p.lut for p in points], ".", color=MUTED, label="other foldings")
    panel.step([p.fps for p in best], [p.lut for p in best], "o-", where="pre", color=BINARY, markersize=3.5, label="front (BRAM18 beside it)")
    for point in best:
        panel.annotate(f"{point.bram18}", (point.fps, point.lut), textcoords="offset points", xytext=(0, 5), ha="center", fontsize=6, color=MUTED)
    panel.set_xlabel("images a second")
    panel.set_ylabel("LUTs, estimated for xc7")
    panel.legend(loc="upper left", fontsize=7)
    return figure
