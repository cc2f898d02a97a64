from __future__ import annotations

import json

import numpy as np
import pytest

from xnorflow.errors import BadInputError, FoldingError, UnsupportedModelError
from xnorflow.hw.folding import FoldingRequest, fold, folding_to_json
from xnorflow.hw.folding.apply import with_choice
from xnorflow.hw.folding.cycles import interval
from xnorflow.hw.folding.fold import ready
from xnorflow.hw.folding.hardware import hardware_nodes, stream_lanes
from xnorflow.hw.folding.solve import PRICE
from xnorflow.hw.folding.space import Space
from xnorflow.hw.graph import Graph, HardwareNode
from xnorflow.hw.interpreter import execute
from xnorflow.hw.nodes import Flatten, Fork
from xnorflow.hw.nodes.mat_vec import MatVec

CLOCK = 100.0


def request_for(cycles: int) -> FoldingRequest:
    return FoldingRequest(fps=CLOCK * 1e6 / cycles, clock_mhz=CLOCK)


def intervals(graph: Graph) -> dict[str, int]:
    return {node.name: interval(node, graph.types_of(node)[0], graph.streams[node.outputs[0]]) for node in hardware_nodes(graph)}


def assert_lanes_match(graph: Graph) -> None:
    lanes = stream_lanes(graph)
    for node in hardware_nodes(graph):
        assert lanes[node.inputs[0]] == node.in_lanes > 0, node.name
        assert lanes[node.outputs[0]] == node.out_lanes > 0, node.name


@pytest.mark.parametrize("cycles", [700, 900, 1000, 5000, 40_000])
def test_a_target_rate_is_kept_by_every_node_and_the_function_stays(networks, cycles: int) -> None:
    graph = networks.cnn()
    folded = fold(graph, request_for(cycles))
    assert_lanes_match(folded)
    assert max(intervals(folded).values()) <= cycles
    images = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3))
    assert np.array_equal(execute(folded, {"pixels": images})["fc_out"], execute(graph, {"pixels": images})["fc_out"])


def test_a_slower_target_never_takes_more_products_a_cycle(networks) -> None:
    def products(cycles: int) -> int:
        return sum(n.pe * n.simd for n in fold(networks.cnn(), request_for(cycles)).nodes if isinstance(n, MatVec))

    costs = [products(cycles) for cycles in (576, 700, 1000, 2000, 8000, 50_000)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


def test_simd_behind_a_window_keeps_to_whole_pixels_or_parts_of_one(networks) -> None:
    for cycles in (600, 1000, 3000, 20_000):
        conv1 = next(n for n in fold(networks.cnn(), request_for(cycles)).nodes if n.name == "conv1")
        assert isinstance(conv1, MatVec)
        assert 8 % conv1.simd == 0 or conv1.simd % 8 == 0


def test_no_request_means_one_row_and_column_and_the_cheapest_cells_around_them(networks) -> None:
    folded = fold(networks.cnn(), FoldingRequest())
    assert all((n.pe, n.simd) == (1, 1) for n in folded.nodes if isinstance(n, MatVec))
    space = Space.of(ready(networks.cnn()))
    ones = with_choice(space, (0,) * len(space.domains))
    prices = [sum(PRICE @ _counted(node, graph) for node in hardware_nodes(graph)) for graph in (folded, ones)]
    assert prices[0] <= prices[1]
    assert max(intervals(folded).values()) == max(intervals(ones).values())


def _counted(node: HardwareNode, graph: Graph) -> list[int]:
    need = node.resources(graph.types_of(node))
    return [round(need.lut), round(need.ff), need.bram18, need.dsp]


def test_an_unreachable_rate_names_the_limiting_node_and_the_greatest_rate(networks) -> None:
    with pytest.raises(FoldingError) as caught:
        fold(networks.cnn(), request_for(250))
    assert str(caught.value) == (
        "target of 400000 fps at 100 MHz needs 250 cycles a frame; node win0 takes at least 324, so at most 308642 fps are reachable"
    )
    fold(networks.cnn(), request_for(324))


def test_a_rate_above_the_clock_is_refused(networks) -> None:
    with pytest.raises(FoldingError, match="at most"):
        fold(networks.mlp(), FoldingRequest(fps=1e12))


@pytest.mark.parametrize(
    "names", [("fc0", "fc1", "fc2"), ("MVAU_hls_0", "MVAU_hls_1", "MVAU_hls_2"), ("MatrixVectorActivation_0", "MVAU_1", "MVAU_rtl_2")]
)
def test_a_finn_record_sets_each_layer_by_our_name_or_by_finns(networks, names: tuple[str, ...]) -> None:
    pairs = ((16, 8), (4, 16), (10, 2))
    layers = {"Defaults": {}, "ConvolutionInputGenerator_rtl_0": {"SIMD": 3}} | {
        name: {"PE": pe, "SIMD": simd, "ram_style": "auto"} for name, (pe, simd) in zip(names, pairs, strict=True)
    }
    folded = fold(networks.mlp(), FoldingRequest(layers=layers))
    assert tuple((n.pe, n.simd) for n in folded.nodes if isinstance(n, MatVec)) == pairs
    assert_lanes_match(folded)


def test_any_divisor_may_be_asked_for_even_across_pixels(networks) -> None:
    layers = {"conv0": {"PE": 2, "SIMD": 9}, "conv1": {"PE": 6, "SIMD": 12}, "fc": {"PE": 5, "SIMD": 27}}
    graph = networks.cnn()
    folded = fold(graph, FoldingRequest(layers=layers))
    assert_lanes_match(folded)
    images = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3))
    assert np.array_equal(execute(folded, {"pixels": images})["fc_out"], execute(graph, {"pixels": images})["fc_out"])


def test_width_converters_lose_no_throughput(networks) -> None:
    layers = {"conv0": {"PE": 2, "SIMD": 9}, "conv1": {"PE": 6, "SIMD": 12}, "fc": {"PE": 5, "SIMD": 27}}
    folded = fold(networks.cnn(), FoldingRequest(layers=layers))
    cycles = intervals(folded)
    slowest = max(cycles[name] for name in ("conv0", "conv1", "fc"))
    assert max(cycles.values()) == slowest


def test_the_exported_record_gives_the_same_folding_again(networks) -> None:
    first = fold(networks.cnn(), request_for(2000))
    again = fold(networks.cnn(), FoldingRequest(layers=json.loads(folding_to_json(first))))
    assert folding_to_json(first) == folding_to_json(again)


def test_defaults_apply_to_layers_that_are_not_named(networks) -> None:
    folded = fold(networks.mlp(), FoldingRequest(layers={"Defaults": {"PE": [2, ["all"]], "SIMD": 4}, "fc1": {"SIMD": 8}}))
    assert [(n.pe, n.simd) for n in folded.nodes if isinstance(n, MatVec)] == [(2, 4), (2, 8), (2, 4)]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"fc0": {"PE": 5}}, "node fc0: PE 5 does not divide MH 32; accepted are 1, 2, 4, 8, 16, 32"),
        ({"MVAU_hls_2": {"SIMD": 3}}, "node fc2: SIMD 3 does not divide MW 32; accepted are 1, 2, 4, 8, 16, 32"),
        ({"fc9": {"PE": 1}}, "folding names layer 'fc9'"),
        ({"MVAU_hls_3": {"PE": 1}}, "its layers are fc0, fc1, fc2, or MVAU_hls_0 to MVAU_hls_2"),
        ({"fc0": {"PE": 0}}, "PE 0 is not a positive whole number"),
        ({"fc0": {"PE": True}}, "PE True is not a positive whole number"),
        ({"fc0": {"PE": 2.0}}, "PE 2.0 is not a positive whole number"),
        ({"fc0": {"pe": 2}}, "unknown key 'pe'"),
        ({"fc0": 4}, "folding of fc0 is 4"),
        ({"Defaults": 1}, "folding Defaults are 1"),
        ({"MVAU_hls_0": {"PE": 2}, "MVAU_rtl_0": {"PE": 4}}, "folding names layer fc0 twice, as MVAU_hls_0 and as MVAU_rtl_0"),
    ],
)
def test_a_wrong_record_is_refused_in_one_line(networks, layers, message: str) -> None:
    with pytest.raises(FoldingError) as caught:
        fold(networks.mlp(), FoldingRequest(layers=layers))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fps": 10.0, "layers": {}}, "folding is given by fps and layers"),
        ({"fps": 0.0}, "0.0 fps"),
        ({"fps": float("nan")}, "nan fps"),
        ({"max_luts": 0}, "0 LUTs"),
        ({"max_brams": -1}, "-1 BRAM18 is negative"),
        ({"max_dsps": -1}, "-1 DSPs is negative"),
        ({"clock_mhz": -1.0}, "clock -1.0 MHz"),
        ({"clock_mhz": float("nan")}, "clock nan MHz"),
        ({"clock_mhz": 1e308}, r"clock 1e\+308 MHz is not a positive frequency of at most 1e\+06 MHz"),
        ({"clock_mhz": 1e3, "fps": 1e-310}, "more cycles a frame than can be counted"),
    ],
)
def test_a_senseless_request_is_refused(arguments, message: str) -> None:
    with pytest.raises(FoldingError, match=message):
        FoldingRequest(**arguments)


def test_a_folding_file_is_read_and_bad_ones_are_named(tmp_path) -> None:
    good, bad = tmp_path / "folding.json", tmp_path / "bad.json"
    good.write_text('{"Defaults": {}, "fc0": {"PE": 2, "SIMD": 4}}')
    bad.write_text("[1]")
    assert FoldingRequest.from_file(good, 50.0) == FoldingRequest(layers={"Defaults": {}, "fc0": {"PE": 2, "SIMD": 4}}, clock_mhz=50.0)
    with pytest.raises(BadInputError, match=r"bad\.json holds a list"):
        FoldingRequest.from_file(bad)
    with pytest.raises(BadInputError, match=r"missing\.json"):
        FoldingRequest.from_file(tmp_path / "missing.json")
    with pytest.raises(BadInputError, match="is a folder or a device"):
        FoldingRequest.from_file(tmp_path)
    for content, reason in ((b"[" * 200_000, "nested too deeply"), (b'{"fc0": {}, "fc0": {}}', "appears twice"), (b"\xe9", "is not UTF-8 text")):
        bad.write_bytes(content)
        with pytest.raises(BadInputError, match=rf"bad\.json is .*{reason}|bad\.json {reason}"):
            FoldingRequest.from_file(bad)


def test_a_stream_that_nothing_reads_is_refused(networks) -> None:
    graph = networks.mlp()
    extra = Flatten(name="again", inputs=("flat",), outputs=("again",))
    with pytest.raises(UnsupportedModelError, match="stream 'again' is read by no node"):
        fold(Graph(graph.inputs, (*graph.nodes, extra), graph.outputs), FoldingRequest())


def test_a_network_of_wires_alone_is_refused(networks) -> None:
    graph = networks.mlp()
    flatten = Flatten(name="only", inputs=("pixels",), outputs=("flat",))
    with pytest.raises(UnsupportedModelError, match="no node that becomes hardware"):
        fold(Graph(graph.inputs, (flatten,), ("flat",)), FoldingRequest())


def test_closed_form_intervals_equal_the_token_model(networks) -> None:
    for cycles in (600, 5000):
        folded = fold(networks.cnn(), request_for(cycles))
        for node in folded.nodes:
            if isinstance(node, HardwareNode):
                ins = folded.types_of(node)
                assert interval(node, ins[0], folded.streams[node.outputs[0]]) == node.timing(ins).interval, node.name


def test_streams_of_several_readers_get_forks_and_both_ends_of_a_join_their_lanes(networks) -> None:
    graph = networks.residual()
    record = {"one_conv": {"PE": 4, "SIMD": 12}, "two_conv": {"PE": 8, "SIMD": 4}, "two_mix": {"PE": 2, "SIMD": 4}}
    folded = fold(graph, FoldingRequest(layers=record))
    assert [node.outputs for node in folded.nodes if isinstance(node, Fork)] == [
        ("norm_out_copy0", "norm_out_copy1"),
        ("one_out_copy0", "one_out_copy1"),
    ]
    lanes = stream_lanes(folded)
    for node in hardware_nodes(folded):
        assert {lanes[stream] for stream in node.inputs} == {node.in_lanes}, node.name
    images = np.random.default_rng(1).integers(0, 256, (3, *graph.inputs["pixels"].shape))
    assert np.array_equal(execute(folded, {"pixels": images})["fc_out"], execute(graph, {"pixels": images})["fc_out"])


def test_a_budget_of_luts_holds_for_branches_too(networks) -> None:
    def luts(graph: Graph) -> int:
        return sum(round(node.resources(graph.types_of(node)).lut) for node in hardware_nodes(graph))

    smallest = luts(fold(networks.residual(), FoldingRequest()))
    folded = fold(networks.residual(), FoldingRequest(max_luts=round(1.5 * smallest)))
    assert smallest < luts(folded) <= 1.5 * smallest
