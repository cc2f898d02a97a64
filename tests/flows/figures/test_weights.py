from __future__ import annotations

import torch
from matplotlib.patches import StepPatch

from xnorflow.flows.figures.style import drawing
from xnorflow.flows.figures.weights import PER_PAGE, histogram_pages, kurtosis_figure, short_name
from xnorflow.qat.weight_statistics import LayerWeights


def layers(count: int) -> list[LayerWeights]:
    generator = torch.Generator().manual_seed(0)
    return [LayerWeights(f"stage.{n}.conv", torch.randn(4, 25, generator=generator), True) for n in range(count)]


def test_the_bars_of_a_histogram_are_the_weights() -> None:
    weight = torch.tensor([[-1.0, -1.0, -1.0, 0.0, 1.0]])
    with drawing():
        (page,) = histogram_pages([LayerWeights("conv", weight, True)], "title")
    (bars,) = (patch for patch in page.axes[0].patches if isinstance(patch, StepPatch))
    heights, edges, _ = bars.get_data()
    assert (edges[0], edges[-1]) == (-1.0, 1.0)
    assert heights.sum() == 100.0
    assert (heights[0], heights[-1]) == (60.0, 20.0)
    assert page.axes[0].get_title() == "conv\nkurtosis 1.33, cosine 0.894"


def test_many_layers_go_on_several_pages_and_none_is_lost() -> None:
    with drawing():
        pages = histogram_pages(layers(PER_PAGE + 7), "title")
        drawn = [axes.get_title().split("\n")[0] for page in pages for axes in page.axes if axes.get_title()]
        figure = kurtosis_figure(layers(40), "title")
    assert drawn == [layer.name for layer in layers(PER_PAGE + 7)]
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == [layer.name for layer in layers(40)]


def test_long_names_keep_their_end_and_numbers_are_explained() -> None:
    assert short_name("7") == "layer 7"
    assert short_name("stage1.0.conv") == "stage1.0.conv"
    assert short_name("a" * 40 + ".end") == "…" + "a" * 25 + ".end"
