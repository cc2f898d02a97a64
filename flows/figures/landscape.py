"""Pictures of a loss on a plane: seen from above, and as a surface."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

Grid = npt.NDArray[np.float64]

COLOURS, EDGES = "viridis", "#00000040"
LEVELS = 24
LINES = 8
LOGARITHMIC = 10.0  # from this ratio of largest to smallest loss on
UNIT = "cross-entropy (nats)"
AXES = ("first direction (1: as long as the weights)", "second direction (1: as long as the weights)")


def contour_figure(axis: Grid, losses: Grid, title: str) -> Figure:
    """The plane from above: colours, lines of equal loss, a cross where the checkpoint is.

    Args:
        axis: float64 ``(S,)``, coordinates of columns and rows.
        losses: float64 ``(S, S)``, by row and column, one or more of them finite; the others stay white.
        title: stands above.
    """
    shown, norm = np.ma.masked_invalid(losses), _norm(losses)
    figure = Figure(figsize=(6.0, 5.2), layout="constrained")
    figure.suptitle(title, fontsize=9)
    panel = figure.subplots()
    panel.grid(False)
    filled = panel.contourf(axis, axis, shown, levels=_levels(norm, LEVELS), cmap=COLOURS, norm=norm)
    if np.ptp(shown) > 0:
        lines = panel.contour(axis, axis, shown, levels=_levels(norm, LINES)[1:-1], colors="white", linewidths=0.7)
        panel.clabel(lines, fmt=lambda value: f"{value:.3g}", fontsize=7)
    middle = len(axis) // 2
    panel.plot(0, 0, "x", color="#d62728", markersize=8, markeredgewidth=2, label=f"checkpoint: {losses[middle, middle]:.4g}")
    panel.legend(loc="upper right", fontsize=7)
    panel.set_xlabel(AXES[0])
    panel.set_ylabel(AXES[1])
    panel.set_aspect("equal")
    bar = figure.colorbar(filled, ax=panel, label=UNIT, format=FuncFormatter(lambda value, _: f"{value:.3g}"))
    bar.set_ticks(_levels(norm, LINES).tolist())
    bar.ax.minorticks_off()
    return figure


def surface_figure(axis: Grid, losses: Grid, title: str) -> Figure:
    """The plane as a surface, its height the loss (its logarithm where losses span more than a factor of ten).

    Args:
        axis: as in :func:`contour_figure`.
        losses: the same; what is not finite has a hole.
        title: stands above.
    """
    norm = _norm(losses)
    logarithmic = isinstance(norm, LogNorm)
    height = np.where(np.isfinite(losses), losses, np.nan)
    figure = Figure(figsize=(6.4, 5.2))
    figure.suptitle(title, fontsize=9)
    panel: Any = figure.add_axes((0.02, 0.04, 0.84, 0.86), projection="3d")  # its axes have no types
    across, along = np.meshgrid(axis, axis)
    colours = _colours(height, norm)
    shown = np.log10(height) if logarithmic else height
    panel.plot_surface(across, along, shown, facecolors=colours, rstride=1, cstride=1, linewidth=0.3, edgecolor=EDGES, shade=False)
    panel.set_xlabel("first direction", labelpad=6)
    panel.set_ylabel("second direction", labelpad=6)
    panel.set_zlabel(UNIT + (", logarithmic" if logarithmic else ""), labelpad=8)
    for ticks in (panel.set_xticks, panel.set_yticks):
        ticks(np.linspace(axis[0], axis[-1], 5))
    if logarithmic:
        panel.zaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{10**value:.3g}"))
    panel.view_init(elev=32, azim=-60)
    return figure


def _colours(height: Grid, norm: Normalize) -> Any:
    return matplotlib.colormaps[COLOURS](norm(np.ma.masked_invalid(height)))


def _norm(losses: Grid) -> Normalize:
    """From the smallest to the largest finite loss, logarithmic where they are far apart."""
    finite = losses[np.isfinite(losses)]
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and high > LOGARITHMIC * low:
        return LogNorm(low, high)
    return Normalize(low, high if high > low else low + max(abs(low), 1.0) * 1e-3)


def _levels(norm: Normalize, count: int) -> Grid:
    """``count`` losses whose colours are evenly spaced, ends included."""
    assert norm.vmin is not None
    assert norm.vmax is not None
    return np.geomspace(norm.vmin, norm.vmax, count) if isinstance(norm, LogNorm) else np.linspace(norm.vmin, norm.vmax, count)
