"""CpuRuntime's batches, threads, plan and refusals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.hw import interpreter
from xnorflow.hw.graph import Graph, Node, StreamType
from xnorflow.hw.nodes import ArgMax, Fifo, Flatten, IntMatVec, MaxPool, SlidingWindow, Table, Threshold, WidthConverter, XnorMatVec
from xnorflow.hw.types import BIPOLAR, IntType
from xnorflow.sim.cpu import CpuRuntime
from xnorflow.sim.cpu import plan as plan_module

UINT8 = IntType(8, signed=False)


def sign(name: str, source: str, target: str, channels: int) -> Threshold:
    limits = np.arange(channels, dtype=np.int64)[:, None] - channels // 2
    return Threshold(
        name=name, inputs=(source,), outputs=(target,), thresholds=limits, negate=np.arange(channels) % 3 == 0, base=-1, step=2, out_type=BIPOLAR
    )


@pytest.fixture
def small() -> Graph:
    """Pixels, an integer convolution, sign, pooling, flattening, a binary layer: with wires in between."""
    rng = np.random.default_rng(5)
    nodes = (
        SlidingWindow(name="windows", inputs=("pixels",), outputs=("a",), kernel=(3, 3)),
        Fifo(name="fifo", inputs=("a",), outputs=("b",), depth=2),
        IntMatVec(name="first", inputs=("b",), outputs=("c",), weights=rng.choice(np.array([-1, 1]), (10, 18)), weight_type=BIPOLAR),
        WidthConverter(name="regroup", inputs=("c",), outputs=("d",), lanes_in=1, lanes_out=2),
        sign("sign", "d", "e", 10),
        SlidingWindow(name="places", inputs=("e",), outputs=("f",), kernel=(2, 2), stride=(2, 2)),
        MaxPool(name="pool", inputs=("f",), outputs=("g",), taps=4),
        Flatten(name="flat", inputs=("g",), outputs=("h",)),
        XnorMatVec(name="last", inputs=("h",), outputs=("i",), weights=rng.choice(np.array([-1, 1]), (7, 40)), weight_type=BIPOLAR),
        ArgMax(name="best", inputs=("i",), outputs=("label",)),
    )
    return Graph({"pixels": StreamType((6, 6, 2), UINT8)}, nodes, ("label",))


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(6).integers(0, 256, (11, 6, 6, 2)).astype(np.uint8)


def steps(graph: Graph) -> list[tuple[str, ...]]:
    """The nodes of each step; copies have none."""
    return [nodes for nodes in plan_module.make_plan(graph, "portable").steps if nodes]


def test_the_plan_joins_windows_products_and_signs_across_wires(small: Graph) -> None:
    assert steps(small) == [("first", "sign"), ("pool",), ("flat",), ("last",), ("best",)]


def test_a_stream_that_leaves_or_is_read_twice_is_kept(small: Graph, pixels: np.ndarray) -> None:
    expected = interpreter.execute(small, {"pixels": pixels.astype(np.int64)}, keep_all=True)
    seen = Graph(small.inputs, small.nodes[:5], ("c",))
    assert steps(seen) == [("first", "sign")]
    assert np.array_equal(CpuRuntime(seen).run(pixels), expected["c"])
    twice = Graph(small.inputs, (*small.nodes[:5], sign("other", "c", "z", 10)), ("e",))
    assert steps(twice) == [("first", "sign", "other")]
    assert np.array_equal(CpuRuntime(twice).run(pixels), expected["e"])


@pytest.mark.parametrize("bits", [8, 32])
@pytest.mark.parametrize("isa", kernels.available())
def test_signs_join_the_flattening_after_them_where_int32_holds_their_input(bits: int, isa: str) -> None:
    dtype = IntType(bits, signed=False)
    graph = Graph({"pixels": StreamType((5, 3, 7), dtype)}, (sign("s", "pixels", "a", 7), Flatten(name="f", inputs=("a",), outputs=("b",))), ("b",))
    assert steps(graph) == ([("s", "f")] if bits == 8 else [("s",), ("f",)])
    x = np.random.default_rng(1).integers(0, 6, (6, 5, 3, 7))
    x[0] = dtype.maximum
    expected = interpreter.execute(graph, {"pixels": x}, keep_all=True)
    actual = CpuRuntime(graph, isa=isa).run_all(x)
    assert all(np.array_equal(actual[name], expected[name]) for name in expected)
    assert np.array_equal(CpuRuntime(graph, isa=isa).run(x), expected["b"])


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("frames", [1, 2, 5, 1000])
def test_batches_and_threads_do_not_change_the_result(
    small: Graph, pixels: np.ndarray, threads: int, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "BLOCK_FRAMES", frames)
    expected = interpreter.execute(small, {"pixels": pixels.astype(np.int64)})["label"]
    out = CpuRuntime(small, threads=threads).run(pixels)
    assert out.dtype == np.int64
    assert np.array_equal(out, expected)


def test_a_frame_larger_than_the_memory_bound_still_runs(small: Graph, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "BLOCK_BYTES", 1)
    assert np.array_equal(CpuRuntime(small).run(pixels), interpreter.execute(small, {"pixels": pixels.astype(np.int64)})["label"])


@pytest.mark.parametrize("isa", kernels.available())
def test_an_empty_batch_gives_an_empty_result(small: Graph, pixels: np.ndarray, isa: str) -> None:
    runtime = CpuRuntime(small, isa=isa)
    assert runtime.run(pixels[:0]).shape == (0, 1)
    assert {name: array.shape for name, array in runtime.run_all(pixels[:0]).items()} == {n: (0, *k.shape) for n, k in small.streams.items()}


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_tensors_of_other_libraries_are_read_by_dlpack(small: Graph, pixels: np.ndarray, dtype: torch.dtype) -> None:
    tensor = torch.from_numpy(pixels).to(dtype)
    strided = tensor.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert np.array_equal(CpuRuntime(small).run(tensor), CpuRuntime(small).run(pixels))
    assert np.array_equal(CpuRuntime(small).run(strided), CpuRuntime(small).run(pixels))
    assert np.array_equal(torch.from_dlpack(CpuRuntime(small).run(tensor)).numpy(), CpuRuntime(small).run(pixels))


def test_a_tensor_that_cannot_be_handed_over_is_refused_in_one_line(small: Graph) -> None:
    with pytest.raises(BadInputError, match=r"^graph input 'pixels' is not memory that NumPy can read by DLPack: "):
        CpuRuntime(small).run(torch.empty((1, 6, 6, 2), dtype=torch.uint8, device="meta"))


def test_pixels_that_lie_well_are_not_copied(small: Graph, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, seen = CpuRuntime(small), []
    plan = runtime._plan
    program = SimpleNamespace(run=lambda x, outputs, *rest: seen.append(x))
    monkeypatch.setattr(runtime, "_plan", replace(plan, program=program))
    runtime.run(pixels)
    runtime.run(torch.from_numpy(pixels))
    assert all(np.shares_memory(x, pixels) for x in seen)
    assert len(seen) == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint64])
def test_pixels_of_any_integer_type_and_layout_give_the_same(small: Graph, pixels: np.ndarray, dtype: type) -> None:
    view = np.ascontiguousarray(pixels.astype(dtype).transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    assert np.array_equal(CpuRuntime(small).run(view), CpuRuntime(small).run(pixels))


def test_the_environment_chooses_the_kernels(small: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORFLOW_ISA", "portable")
    assert CpuRuntime(small).isa == "portable"
    assert CpuRuntime(small, isa="reference").isa == "reference"


@pytest.mark.parametrize("bits", [1, 2, 7, 8, 9, 15, 16, 17, 31, 32])
@pytest.mark.parametrize("signed", [True, False])
def test_streams_of_every_width_pass_pool_threshold_and_argmax(bits: int, signed: bool) -> None:
    dtype = IntType(bits, signed=signed)
    rng = np.random.default_rng(bits)
    x = rng.integers(dtype.minimum, dtype.maximum, (4, 4, 5, 3), endpoint=True)
    x[0, 0, 0, :2] = dtype.minimum, dtype.maximum
    limits = np.sort(rng.choice(np.concatenate([x.reshape(-1), [dtype.minimum, dtype.maximum + 1]]), (3, 2)), axis=1)
    negate = np.array([False, True, False])
    limits[1] = np.sort(-limits[1])
    nodes = (
        SlidingWindow(name="places", inputs=("pixels",), outputs=("a",), kernel=(2, 2)),
        MaxPool(name="pool", inputs=("a",), outputs=("b",), taps=4),
        Threshold(name="t", inputs=("b",), outputs=("c",), thresholds=limits, negate=negate, base=0, step=1, out_type=IntType(2, signed=False)),
        Flatten(name="flat", inputs=("b",), outputs=("d",)),
        ArgMax(name="best", inputs=("d",), outputs=("e",)),
    )
    graph = Graph({"pixels": StreamType((4, 5, 3), dtype)}, nodes, ("c",))
    expected = interpreter.execute(graph, {"pixels": x}, keep_all=True)
    actual = CpuRuntime(graph).run_all(x)
    assert all(np.array_equal(actual[name], expected[name]) for name in expected)


def test_a_threshold_to_bipolar_that_falls_is_no_plain_sign() -> None:
    """base +1 and step -2 is legal too: the runtime must not take it for the usual one."""
    weights = np.array([[1, -1, 1], [1, 1, 1]])
    nodes = (
        XnorMatVec(name="m", inputs=("pixels",), outputs=("a",), weights=weights, weight_type=BIPOLAR),
        Threshold(
            name="t",
            inputs=("a",),
            outputs=("b",),
            thresholds=np.array([[0], [1]]),
            negate=np.array([False, True]),
            base=1,
            step=-2,
            out_type=BIPOLAR,
        ),
    )
    graph = Graph({"pixels": StreamType((3,), BIPOLAR)}, nodes, ("b",))
    x = np.array([[1, 1, 1], [-1, 1, -1], [1, -1, 1], [-1, -1, -1]])
    assert np.array_equal(CpuRuntime(graph).run(x), interpreter.execute(graph, {"pixels": x})["b"])


def test_accumulators_at_the_ends_of_int32_pass_their_thresholds() -> None:
    weights = np.array([[-(2**31)], [2**31 - 1]])
    nodes = (
        IntMatVec(name="m", inputs=("pixels",), outputs=("a",), weights=weights, weight_type=IntType(32, signed=True)),
        Threshold(
            name="t",
            inputs=("a",),
            outputs=("b",),
            thresholds=np.array([[2**31], [2**31 - 1]]),
            negate=np.array([True, False]),
            base=-1,
            step=2,
            out_type=BIPOLAR,
        ),
    )
    graph = Graph({"pixels": StreamType((1,), IntType(1, signed=False))}, nodes, ("b",))
    assert graph.streams["a"].dtype == IntType(32, signed=True)
    assert steps(graph) == [("m", "t")]
    for isa in kernels.available():
        assert CpuRuntime(graph, isa=isa).run(np.array([[0], [1]])).tolist() == [[-1, -1], [1, 1]]


def test_a_table_reads_bipolar_patterns() -> None:
    nodes = (Table(name="t", inputs=("pixels",), outputs=("a",), values=np.array([[10, 20], [30, 40]]), out_type=UINT8),)
    graph = Graph({"pixels": StreamType((2,), BIPOLAR)}, nodes, ("a",))
    assert CpuRuntime(graph).run(np.array([[-1, -1], [1, 1], [1, -1]])).tolist() == [[10, 30], [20, 40], [20, 30]]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((1, 6, 6, 2), np.float32), "graph input 'pixels' is float32; integers are accepted"),
        (np.zeros((1, 6, 6, 2), bool), "graph input 'pixels' is bool; integers are accepted"),
        ([[1]], "graph input 'pixels' is list; integers are accepted"),
        (np.zeros((1, 2, 6, 6), np.uint8), "graph input 'pixels' has shape (1, 2, 6, 6); (N, 6, 6, 2) is accepted"),
        (np.zeros((6, 6, 2), np.uint8), "graph input 'pixels' has shape (6, 6, 2); (N, 6, 6, 2) is accepted"),
        (np.full((1, 6, 6, 2), -1), "graph input 'pixels' holds values outside UINT8"),
        (np.full((1, 6, 6, 2), 256), "graph input 'pixels' holds values outside UINT8"),
    ],
)
def test_pixels_that_do_not_fit_are_refused(small: Graph, x: object, message: str) -> None:
    for call in (CpuRuntime(small).run, CpuRuntime(small).run_all):
        with pytest.raises(BadInputError) as error:
            call(x)
        assert str(error.value) == message


def test_an_unknown_node_of_two_inputs_is_refused_by_name() -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Mean(Node):
        op = "Mean"

        def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
            return ins[:1]

        def execute(self, ins: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
            return (ins[0] + ins[1],)

    graph = Graph({"pixels": StreamType((2,), UINT8)}, (Mean(name="mean", inputs=("pixels", "pixels"), outputs=("a",)),), ("a",))
    with pytest.raises(BadInputError, match="node mean: the CPU runtime does not know Mean"):
        CpuRuntime(graph)


def test_a_node_without_an_operator_is_refused_by_name() -> None:
    @dataclass(frozen=True, eq=False, kw_only=True)
    class Twice(Node):
        op = "Twice"

        def infer(self, ins: tuple[StreamType, ...]) -> tuple[StreamType, ...]:
            return ins

        def execute(self, ins: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
            return ins

    graph = Graph({"pixels": StreamType((2,), UINT8)}, (Twice(name="copy", inputs=("pixels",), outputs=("a",)),), ("a",))
    with pytest.raises(BadInputError, match="node copy: the CPU runtime does not know Twice"):
        CpuRuntime(graph)


def test_zero_threads_unknown_kernels_and_two_outputs_are_refused(small: Graph) -> None:
    with pytest.raises(BadInputError, match="0 threads were asked for; 1 or more are accepted"):
        CpuRuntime(small, threads=0)
    with pytest.raises(BadInputError, match="instruction set 'mmx' is unknown"):
        CpuRuntime(small, isa="mmx")
    with pytest.raises(BadInputError, match="the graph has 1 inputs and 2 outputs; the CPU runtime takes 1 and 1"):
        CpuRuntime(Graph(small.inputs, small.nodes, ("i", "label")))
