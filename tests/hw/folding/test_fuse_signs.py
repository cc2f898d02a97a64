"""Signs in the cells of binary products: the same function, and out again."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow.errors import BadInputError
from xnorflow.hw.folding.fuse_signs import fuse_signs, split_signs
from xnorflow.hw.graph import Graph, StreamType
from xnorflow.hw.interpreter import execute
from xnorflow.hw.nodes import Threshold, XnorMatVec
from xnorflow.hw.types import BIPOLAR


def _graph(rng: np.random.Generator, *, negated: bool = False, outputs: tuple[str, ...] = ("y",)) -> Graph:
    weights = rng.choice(np.array([-1, 1]), (8, 12))
    product = XnorMatVec(name="fc", inputs=("x",), outputs=("acc",), weights=weights, weight_type=BIPOLAR)
    negate = np.zeros(8, dtype=np.bool_)
    negate[3] = negated
    sign = Threshold(
        name="sign", inputs=("acc",), outputs=("y",), thresholds=rng.integers(-13, 14, (8, 1)), negate=negate, base=-1, step=2, out_type=BIPOLAR
    )
    return Graph({"x": StreamType((12,), BIPOLAR)}, (product, sign), outputs)


def test_a_sign_goes_into_the_product_and_comes_out_again() -> None:
    rng = np.random.default_rng(3)
    graph = _graph(rng)
    fused = fuse_signs(graph)
    again = split_signs(fused)
    assert [node.op for node in fused.nodes] == ["XnorMatVec"]
    assert [node.op for node in again.nodes] == ["XnorMatVec", "Threshold"]
    x = {"x": rng.choice(np.array([-1, 1]), (400, 12))}
    wanted = execute(graph, x)["y"]
    assert len(np.unique(wanted)) == 2
    assert all(np.array_equal(execute(one, x)["y"], wanted) for one in (fused, again, fuse_signs(again)))


@pytest.mark.parametrize("kept", [{"negated": True}, {"outputs": ("acc", "y")}])
def test_negated_rows_and_sums_that_others_read_stay(kept: dict[str, bool | tuple[str, ...]]) -> None:
    graph = _graph(np.random.default_rng(4), **kept)  # type: ignore[arg-type]
    assert [node.op for node in fuse_signs(graph).nodes] == ["XnorMatVec", "Threshold"]


def test_as_many_thresholds_as_rows() -> None:
    weights = np.ones((2, 3), dtype=np.int64)
    node = XnorMatVec(name="fc", inputs=("x",), outputs=("y",), weights=weights, weight_type=BIPOLAR, thresholds=np.zeros(3, dtype=np.int64))
    with pytest.raises(BadInputError, match=r"node fc: thresholds \(3,\) do not fit 2 rows"):
        Graph({"x": StreamType((3,), BIPOLAR)}, (node,), ("y",))
