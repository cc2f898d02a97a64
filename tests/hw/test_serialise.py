from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from xnorflow.errors import BadInputError
from xnorflow.hw.estimate.calibration import cases
from xnorflow.hw.graph import Graph, StreamType
from xnorflow.hw.nodes import NODES
from xnorflow.hw.nodes.mat_vec import Border
from xnorflow.hw.serialise import graph_from_json, graph_to_json
from xnorflow.hw.types import IntType


def same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, Border):
        return isinstance(b, Border) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    return a == b


def assert_equal(a: Graph, b: Graph) -> None:
    assert (a.inputs, a.outputs, a.streams) == (b.inputs, b.outputs, b.streams)
    for left, right in zip(a.nodes, b.nodes, strict=True):
        assert type(left) is type(right)
        for field in dataclasses.fields(left):
            assert same(getattr(left, field.name), getattr(right, field.name)), field.name


def test_every_kind_of_node_comes_back_as_it_was(networks) -> None:
    graphs = [graph for _, graph in cases()] + [networks.mlp(), networks.cnn()]
    seen = set()
    for graph in graphs:
        text = graph_to_json(graph)
        back = graph_from_json(text)
        assert_equal(graph, back)
        assert graph_to_json(back) == text
        seen |= {node.op for node in graph.nodes}
    assert seen == set(NODES)


def test_extreme_arrays_come_back(networks) -> None:
    threshold = dataclasses.replace(
        networks.threshold("t", "x", 2),
        thresholds=np.array([[-(2**40)], [2**62]]),
        negate=np.array([True, True]),
    )
    graph = Graph({"x": StreamType((2,), IntType(8, signed=True))}, (threshold,), ("t_out",))
    assert_equal(graph, graph_from_json(graph_to_json(graph)))


def test_a_constant_array_takes_no_bits(networks) -> None:
    record = json.loads(graph_to_json(networks.cnn()))
    pad = next(node for node in record["nodes"] if node["op"] == "Pad")
    assert pad["value"] == {"array": "int64", "shape": [8], "low": -1, "bits": 0, "data": ""}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda r: r.pop("nodes"), "is damaged: KeyError"),
        (lambda r: r.update(format=99), "has format 99; 1 is accepted"),
        (lambda r: r["nodes"][0].update(op="Launch"), "unknown op 'Launch'"),
        (lambda r: r["nodes"][0].update(colour=3), "is damaged: TypeError"),
        (lambda r: r["nodes"][2]["weights"].update(data="AAAA"), "holds 3 bytes"),
        (lambda r: r["nodes"][2]["weights"].update(data="?"), "is damaged"),
        (lambda r: r["nodes"][2]["weights"].update(shape=[1 << 40]), "is damaged"),
        (lambda r: r["nodes"][2].update(weights=7), "is damaged"),
    ],
)
def test_a_damaged_graph_is_refused_in_one_line(networks, damage, message: str) -> None:
    record = json.loads(graph_to_json(networks.mlp()))
    damage(record)
    with pytest.raises(BadInputError) as caught:
        graph_from_json(json.dumps(record), "graph.json")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"^graph\.json is damaged"):
        graph_from_json("{", "graph.json")
