"""Pictures of a network's weights: a histogram for each layer, and what the histograms come to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xnorflow.flows.figures.style import BINARY, MUTED, REAL
from xnorflow.qat.weight_statistics import LayerWeights

COLUMNS = 5
PER_PAGE = 30
BINS = 80
LONGEST_NAME = 30
# What some distributions have, for comparison: kurtosis, cosine to the sign.
YARDSTICKS = (("two modes", 1.0, 1.0), ("uniform", 1.8, 3**0.5 / 2), ("Gaussian", 3.0, (2 / np.pi) ** 0.5))


def histogram_pages(layers: Sequence[LayerWeights], title: str) -> list[Figure]:
    """A histogram for each layer, up to :data:`PER_PAGE` on a page.

    Args:
        layers: one or more, all binary or all real-valued.
        title: stands above.
    """
    pages = [layers[first : first + PER_PAGE] for first in range(0, len(layers), PER_PAGE)]
    return [_page(page, title if len(pages) == 1 else f"{title}, page {number} of {len(pages)}") for number, page in enumerate(pages, 1)]


def _page(layers: Sequence[LayerWeights], title: str) -> Figure:
    columns = min(COLUMNS, len(layers))
    rows = -(-len(layers) // columns)
    figure = Figure(figsize=(max(2.3 * columns, 4.6), 1.7 * rows + 0.7), layout="constrained")
    kind = "latent weights of binary layers" if layers[0].binary else "real-valued weights"
    figure.suptitle(f"{title}\n{kind}", fontsize=9)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for panel, layer in zip(panels, layers, strict=False):
        _histogram(panel, layer)
    for panel in panels[len(layers) :]:
        panel.set_axis_off()
    for panel in panels[: len(layers) : columns]:
        panel.set_ylabel("% of weights")
    return figure


def _histogram(panel: Axes, layer: LayerWeights) -> None:
    values = layer.weight.detach().double().flatten().numpy()
    finite = values[np.isfinite(values)]
    reach = float(np.abs(finite).max(initial=0.0)) or 1.0
    counts, edges = np.histogram(finite, BINS, (-reach, reach))
    panel.stairs(100 * counts / max(values.size, 1), edges, fill=True, color=_colour(layer))
    panel.set_xlim(-1.04 * reach, 1.04 * reach)
    panel.set_ylim(bottom=0)
    panel.set_xticks([-reach, 0, reach], [f"{-reach:.3g}", "0", f"{reach:.3g}"])
    panel.tick_params(labelsize=7)
    panel.set_title(f"{short_name(layer.name)}\nkurtosis {layer.kurtosis:.2f}, cosine {layer.cosine:.3f}", fontsize=7)


def short_name(name: str) -> str:
    """A layer's name, its beginning left out where it is long, and explained where it is only a number."""
    if name.isdigit():
        return f"layer {name}"
    return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]


def kurtosis_figure(layers: Sequence[LayerWeights], title: str) -> Figure:
    """Kurtosis and cosine to the sign of each layer, with the values of known distributions.

    Args:
        layers: one or more, all binary or all real-valued.
        title: stands above.
    """
    figure = Figure(figsize=(max(5.0, 1.6 + 0.22 * len(layers)), 5.6), layout="constrained")
    figure.suptitle(title, fontsize=9)
    upper, lower = figure.subplots(2, 1, sharex=True)
    _points(upper, layers, [layer.kurtosis for layer in layers], "kurtosis")
    _points(lower, layers, [layer.cosine for layer in layers], "cosine to the sign")
    for name, fourth, cosine in YARDSTICKS:
        _yardstick(upper, name, fourth)
        _yardstick(lower, name, cosine)
    upper.set_ylim(bottom=min(0.8, upper.get_ylim()[0]))
    lower.set_ylim(top=max(1.02, lower.get_ylim()[1]))
    lower.set_xticks(range(len(layers)), [short_name(layer.name) for layer in layers], rotation=90, fontsize=7)
    lower.set_xlim(-0.6, len(layers) - 0.4)
    return figure


def _points(panel: Axes, layers: Sequence[LayerWeights], values: Sequence[float], label: str) -> None:
    panel.plot(range(len(values)), values, color="#bbbbbb", linewidth=0.8)
    panel.plot(range(len(values)), values, "o", color=_colour(layers[0]), markersize=4)
    panel.set_ylabel(label)


def _colour(layer: LayerWeights) -> str:
    return BINARY if layer.binary else REAL


def _yardstick(panel: Axes, name: str, value: float) -> None:
    panel.axhline(value, color=MUTED, linewidth=0.8, linestyle="--")
    panel.annotate(
        f"{name} {value:.3g}",
        (1.0, value),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color=MUTED,
    )
