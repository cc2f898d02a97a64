from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from PIL import Image

from xnorflow.flows.figures.landscape import contour_figure, surface_figure
from xnorflow.flows.figures.style import drawing

AXIS = np.linspace(-1, 1, 5)
BOWL = 1.0 + AXIS[:, None] ** 2 + 3 * AXIS[None, :] ** 2


def drawn(figure: Figure) -> int:
    """Number of colours of the picture."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    with Image.open(content) as image:
        return len(set(image.convert("RGB").get_flattened_data()))


@pytest.mark.parametrize("make", [contour_figure, surface_figure])
@pytest.mark.parametrize("name", ["linear", "wide", "holes", "flat", "zero"])
def test_every_kind_of_grid_is_drawn(make: type[Figure], name: str) -> None:
    holes = BOWL.copy()
    holes[0, 0], holes[4, 2] = np.nan, np.inf
    grids = {"linear": BOWL, "wide": BOWL**6, "holes": holes, "flat": np.full((5, 5), 2.0), "zero": np.zeros((5, 5))}
    with drawing():
        assert drawn(make(AXIS, grids[name], "title")) > 10


def test_rows_are_the_second_direction() -> None:
    rising = np.repeat(AXIS[:, None] + 2, 5, axis=1)  # with the row, that is with b
    with drawing():
        panel = contour_figure(AXIS, rising, "title").axes[0]
    lines = next(each for each in panel.collections if len(each.get_edgecolor()) and each.get_edgecolor()[0].tolist() == [1, 1, 1, 1])
    for path in lines.get_paths():
        assert np.ptp(path.vertices[:, 1]) == pytest.approx(0)
        assert np.ptp(path.vertices[:, 0]) == pytest.approx(2)


def test_losses_far_apart_are_coloured_logarithmically() -> None:
    with drawing():
        assert isinstance(contour_figure(AXIS, BOWL**6, "title").axes[0].collections[0].norm, LogNorm)
        assert not isinstance(contour_figure(AXIS, BOWL, "title").axes[0].collections[0].norm, LogNorm)
        assert surface_figure(AXIS, BOWL**6, "title").axes[0].get_zlabel().endswith("logarithmic")
