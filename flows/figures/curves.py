"""Pictures of a training's logs: everything that was logged, over the epochs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from xnorflow.flows.figures.style import BINARY, REAL
from xnorflow.flows.run_logs import Curve

COLUMNS = 3
COLOURS = (BINARY, REAL, "#3a8f4d", "#8a4fa0")
LOGARITHMIC = 100.0  # losses are, from this ratio of largest to smallest on
FEW = 40
TITLES = {
    "loss": "loss",
    "accuracy": "accuracy (share of images)",
    "lr": "learning rate",
    "flips": "signs flipped in the epoch (share)",
    "changed": "signs flipped since the start (share)",
    "kurtosis": "latent weights: kurtosis (mean of layers)",
    "cosine": "latent weights: cosine to the signs (mean)",
}
HALVES = ("train", "val", "test")
ORDER = (*HALVES, "terms", "weights")


def curves_figure(curves: Mapping[str, Curve], title: str) -> Figure:
    """A panel for each quantity; training and validation share one.

    Args:
        curves: by logged name, one or more.
        title: stands above.
    """
    groups = _groups(curves)
    columns = min(COLUMNS, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(max(3.4 * columns, 5.0), 2.3 * rows + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=9)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for panel, (name, members) in zip(panels, groups.items(), strict=False):
        _panel(panel, name, {member: curves[member] for member in members})
    for panel in panels[len(groups) :]:
        panel.set_axis_off()
    return figure


def _groups(curves: Mapping[str, Curve]) -> dict[str, list[str]]:
    """Names of each panel's curves, in the order of the panels."""

    def rank(name: str) -> tuple[int, str]:
        family = name.partition("/")[0]
        return (ORDER.index(family) if family in ORDER else len(ORDER), name)

    groups: dict[str, list[str]] = {}
    for name in sorted(curves, key=rank):
        family, _, quantity = name.partition("/")
        groups.setdefault(quantity if family in HALVES and quantity else name, []).append(name)
    return groups


def _panel(panel: Axes, name: str, curves: Mapping[str, Curve]) -> None:
    for (member, curve), colour in zip(curves.items(), COLOURS * len(curves), strict=False):
        marker = "o" if len(curve.epochs) <= FEW else None
        panel.plot(curve.epochs, curve.values, marker=marker, markersize=2.5, linewidth=1.2, color=colour, label=member.partition("/")[0])
    family, _, quantity = name.rpartition("/")
    panel.set_title(f"loss term: {quantity}" if family == "terms" else TITLES.get(quantity, name))
    panel.set_xlabel("epoch")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    values = np.concatenate([curve.values for curve in curves.values()])
    values = values[np.isfinite(values)]
    if (family == "terms" or name == "loss") and values.size and values.min() > 0 and values.max() > LOGARITHMIC * values.min():
        panel.set_yscale("log")
    if len(curves) > 1:
        panel.legend(fontsize=7)
