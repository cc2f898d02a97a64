"""Finds the first node where two executors part, once their outputs differ."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.interpreter import execute
from xnorflow.sim.mismatch import first_difference
from xnorflow.sim.rtl import node_format, plain_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xnorflow.hw.graph import Graph, HardwareNode
    from xnorflow.hw.types import IntArray
    from xnorflow.sim.rtl import RtlRequest

_WINDOW = 3  # frames simulated again, the failing one last


def first_stream_difference(graph: Graph, others: Mapping[str, IntArray], name: str, images: IntArray, first_image: int) -> str | None:
    """Where another executor's streams leave the interpreter's; None if no node's output differs.

    Args:
        graph: the graph.
        others: the other executor's streams, name -> int64 ``(N, *shape)``.
        name: of the other executor.
        images: int64 ``(N, H, W, C)``.
        first_image: number of the first, for the report.
    """
    streams = execute(graph, {next(iter(graph.inputs)): images}, keep_all=True)
    for node in graph.nodes:
        found = first_difference(others[node.outputs[0]], streams[node.outputs[0]], first_image)
        if found is not None:
            return found.text(f"node {node.name} ({node.op})", name, "the interpreter")
    return None


def first_graph_difference(graph: Graph, fresh: Graph, images: IntArray, first_image: int) -> str | None:
    """Where a build's graph leaves a graph just compiled from its own model file; nodes are matched by name."""
    streams = execute(graph, {next(iter(graph.inputs)): images}, keep_all=True)
    wanted = execute(fresh, {next(iter(fresh.inputs)): images}, keep_all=True)
    names = {node.name: node.outputs[0] for node in fresh.nodes}
    for node in graph.nodes:
        stream = names.get(node.name)
        if stream is None or graph.streams[node.outputs[0]].shape != fresh.streams[stream].shape:
            continue
        found = first_difference(streams[node.outputs[0]], wanted[stream], first_image)
        if found is not None:
            return found.text(f"node {node.name} ({node.op})", "graph.json", "model.onnx compiled anew")
    return None


def first_rtl_difference(request: RtlRequest, images: IntArray, failing: int, *, progress: Callable[[str], None] | None = None) -> str | None:
    """Where the RTL leaves the interpreter: simulates again, recording every node's stream.

    Tries a few frames without stalls first, then everything up to the failing frame with the request's own stalls.

    Args:
        request: the simulation that failed.
        images: its images, int64 ``(N, H, W, C)``.
        failing: index of the first image whose output was wrong or missing.
        progress: called with a line of text.
    """
    start = max(0, failing - _WINDOW + 1)
    for first, again in ((start, replace(request, stalls=False)), (0, request)):
        found = _record_and_compare(again, images[first : failing + 1], first, progress)
        if found is not None:
            return found
    return None


def _record_and_compare(request: RtlRequest, images: IntArray, first_image: int, progress: Callable[[str], None] | None) -> str | None:
    (input_name,) = request.graph.inputs
    with tempfile.TemporaryDirectory(prefix="xnorflow-probes-") as folder:
        plain_run(request, images, Path(folder), progress=progress)
        streams = execute(request.graph, {input_name: images}, keep_all=True)
        for node in hardware_nodes(request.graph):
            recorded = np.fromfile(Path(folder) / f"{node.name}.bin", dtype=np.uint8)
            found = _compare_node(request.graph, node, recorded, streams[node.outputs[0]], first_image)
            if found is not None:
                return found
    return None


def _compare_node(
    graph: Graph, node: HardwareNode, recorded: np.ndarray[tuple[int], np.dtype[np.uint8]], wanted: IntArray, first_image: int
) -> str | None:
    """Compare as many elements as were recorded; a stream that agrees but is too short is a difference too."""
    fmt = node_format(graph, node)
    beats = min(len(recorded) // fmt.bytes, len(wanted) * fmt.beats)
    frames = -(-beats // fmt.beats)
    padded = np.zeros((frames, fmt.beats, fmt.bytes), dtype=np.uint8)
    padded.reshape(-1)[: beats * fmt.bytes] = recorded[: beats * fmt.bytes]
    got = fmt.unpack(padded).reshape(-1)
    reference = wanted[:frames].reshape(-1).copy()
    got[beats * fmt.lanes :] = reference[beats * fmt.lanes :]
    shape = (frames, *fmt.kind.shape)
    found = first_difference(got.reshape(shape), reference.reshape(shape), first_image)
    where = f"node {node.name} ({node.op})"
    if found is not None:
        return found.text(where, "the RTL", "the interpreter")
    if beats < len(wanted) * fmt.beats:
        return f"the RTL stops at {where}: {beats} of {len(wanted) * fmt.beats} beats came out, all of them right"
    return None
