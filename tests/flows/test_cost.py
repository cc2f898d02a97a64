from __future__ import annotations

import json

import pytest

from xnorflow.errors import BadInputError
from xnorflow.flows.cost import cost
from xnorflow.flows.models import models


def test_cost_takes_the_published_size_or_the_one_given() -> None:
    published, small = cost("tfc"), cost("tfc", "1x8x8")
    assert (published.input_shape, published.cost.binary_weights) == ((1, 28, 28), 59008)
    assert (small.input_shape, small.cost.binary_weights) == ((1, 8, 8), 64 * 64 * 3 + 640)
    record = json.loads(json.dumps(small.to_json()))
    assert (record["name"], record["input"], record["bops"]) == ("tfc", "1x8x8", 12928)


@pytest.mark.parametrize("image", ["", "8x8", "1x8x8x8", "1x8x-8", "1x8x0", "axbxc", "1x8x²", f"1x{10**23}x1", f"1x{'9' * 5000}x1"])
def test_an_image_that_is_not_cxhxw_is_refused(image: str) -> None:
    with pytest.raises(BadInputError, match=r"is not CxHxW, for example 3x32x32"):
        cost("tfc", image)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(BadInputError, match="model 'vgg' is not known"):
        cost("vgg")


def test_models_lists_every_architecture_with_its_size() -> None:
    entries = {entry.name: entry.to_json() for entry in models()}
    assert entries["cnv"]["input"] == "3x32x32"
    assert {"tfc", "sfc", "lfc", "cnv", "vgg-small"} <= set(entries)
