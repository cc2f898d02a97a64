from __future__ import annotations

from matplotlib.figure import Figure

from xnorflow.flows.figures.curves import curves_figure
from xnorflow.flows.figures.style import drawing
from xnorflow.flows.run_logs import Curve


def drawn(names: list[str], values: tuple[float, ...] = (3.0, 1.0)) -> Figure:
    with drawing():
        return curves_figure({name: Curve(tuple(range(1, len(values) + 1)), values) for name in names}, "title")


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.lines]


def test_training_and_validation_share_a_panel_and_the_order_is_fixed() -> None:
    figure = drawn(["weights/flips", "val/loss", "terms/attention", "other", "train/loss", "val/accuracy"])
    assert titles(figure) == ["loss", "accuracy (share of images)", "loss term: attention", "signs flipped in the epoch (share)", "other"]
    assert [line.get_label() for line in figure.axes[0].lines] == ["train", "val"]


def test_the_points_are_the_logged_ones() -> None:
    (line,) = drawn(["terms/attention"]).axes[0].lines
    assert line.get_xydata().tolist() == [[1.0, 3.0], [2.0, 1.0]]


def test_only_losses_over_orders_of_magnitude_have_a_logarithmic_axis() -> None:
    wide = (100.0, 0.5)
    assert drawn(["terms/attention"], wide).axes[0].get_yscale() == "log"
    assert drawn(["train/lr"], wide).axes[0].get_yscale() == "linear"
    assert drawn(["terms/attention"]).axes[0].get_yscale() == "linear"
    assert drawn(["terms/attention"], (100.0, 0.0)).axes[0].get_yscale() == "linear"


def test_values_that_are_not_finite_leave_a_gap() -> None:
    with drawing():
        figure = drawn(["train/loss"], (float("nan"), 2.0, float("inf")))
        figure.draw_without_rendering()
    assert len(figure.axes[0].lines[0].get_xydata()) == 3
