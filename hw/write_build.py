"""Writes a build folder whole or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow import __version__
from xnorflow.files import check_place, making_folder
from xnorflow.hw.build import BUILD_FORMAT, ESTIMATE, GRAPH, MANIFEST, MODEL, TOP, file_hash
from xnorflow.hw.emit import emit
from xnorflow.hw.folding import folding_to_json
from xnorflow.hw.folding.hardware import hardware_nodes
from xnorflow.hw.serialise import graph_to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.chain import FloatChain
    from xnorflow.hw.estimate.report import Estimate
    from xnorflow.hw.folding.next_step import NextStep
    from xnorflow.hw.graph import Graph
    from xnorflow.pixels import PixelNorm

_TOOLS = ("numpy", "onnx", "pyslang", "pyverilog", "qonnx")


@dataclass(frozen=True)
class BuildContents:
    """Everything a build folder records.

    Attributes:
        graph: folded, with width converters and FIFOs.
        tail: what stays on the host after the hardware.
        pixel_norm: the normalisation folded into the hardware.
        estimate: of the graph.
        model: bytes of the QONNX file, or None for a graph made by hand.
        head: ``logits`` or ``argmax``.
        passes, notes: what the lowering did and has to say.
        step: what holds the folding back, and what the next faster one takes.
    """

    graph: Graph
    tail: FloatChain
    pixel_norm: PixelNorm
    estimate: Estimate
    model: bytes | None = None
    head: str = "logits"
    passes: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    step: NextStep | None = None


def check_target(out: Path, *, force: bool) -> None:
    """Refuse, before any work is done, a place that cannot become the build folder.

    Raises:
        BadInputError: it exists and ``force`` is false, or it holds something that is no build folder.
    """
    check_place(out, MANIFEST, "build folder", force=force)


def write_build(out: Path, contents: BuildContents, *, force: bool = False) -> None:
    """Write a build folder; an existing one stays until the new one is complete.

    Raises:
        BadInputError: the place exists already, or cannot be written.
    """
    out = Path.cwd() / out
    check_target(out, force=force)
    with making_folder(out, "build folder") as new:
        _fill(new, contents)


def _fill(folder: Path, contents: BuildContents) -> None:
    (folder / GRAPH).write_text(graph_to_json(contents.graph), encoding="utf-8")
    (folder / ESTIMATE).write_text(contents.estimate.dumps(), encoding="utf-8")
    if contents.model is not None:
        (folder / MODEL).write_bytes(contents.model)
    emit(contents.graph, folder, TOP)
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    manifest = {**_manifest(contents), "files": {name: file_hash(folder / name) for name in files}}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _manifest(contents: BuildContents) -> dict[str, Any]:
    graph = contents.graph
    nodes = hardware_nodes(graph)
    return {
        "xnorflow": __version__,
        "format": BUILD_FORMAT,
        "tools": {name: metadata.version(name) for name in _TOOLS},
        "top": TOP,
        "input": _port(graph, next(iter(graph.inputs)), nodes[0].in_lanes),
        "output": _port(graph, graph.outputs[0], nodes[-1].out_lanes),
        "head": contents.head,
        "pixel_norm": json.loads(contents.pixel_norm.to_json()),
        "host": {"before": [], "after": contents.tail.to_json()},
        "clock_mhz": contents.estimate.clock_mhz,
        "folding": json.loads(folding_to_json(graph)),
        "next_step": None if contents.step is None else contents.step.to_json(),
        "passes": list(contents.passes),
        "notes": dict(contents.notes),
    }


def _port(graph: Graph, stream: str, lanes: int) -> dict[str, Any]:
    kind = graph.streams[stream]
    return {
        "shape": list(kind.shape),
        "type": kind.dtype.name,
        "lanes": lanes,
        "beats": kind.size // lanes,
        "bytes_per_beat": (kind.dtype.bits * lanes + 7) // 8,
    }
