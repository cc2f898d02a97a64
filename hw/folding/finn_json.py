"""FINN's folding record: ``{"Defaults": {}, "MVAU_hls_0": {"PE": 16, "SIMD": 3}}``, read and written."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from xnorflow.errors import FoldingError
from xnorflow.hw.nodes.mat_vec import MatVec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xnorflow.hw.graph import Graph

_MVAU = re.compile(r"(?:MVAU|MatrixVectorActivation|StreamingFCLayer)(?:_Batch|_hls|_rtl)*_(\d+)")
_OTHER = re.compile(
    r"(?:Thresholding|ConvolutionInputGenerator|FMPadding|Pool|StreamingMaxPool|StreamingFIFO|StreamingDataWidthConverter|LabelSelect|ChannelwiseOp)\w*"
)
_IGNORED_KEYS = {"mem_mode", "ram_style", "resType", "runtime_writeable_weights", "inFIFODepths", "outFIFODepths", "ram_style_thresholds"}


def folding_to_json(graph: Graph) -> str:
    """The folding of a graph as FINN's record, keyed by our node names."""
    record: dict[str, Any] = {"Defaults": {}}
    for node in graph.nodes:
        if isinstance(node, MatVec):
            record[node.name] = {"PE": node.pe, "SIMD": node.simd}
    return json.dumps(record, indent=1) + "\n"


def parse_folding(graph: Graph, record: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """PE and SIMD by matrix-vector node name; a layer that the record leaves out takes its defaults, else 1.

    Layers are named as in the graph, or as FINN numbers them (``MVAU_hls_0``, ``MatrixVectorActivation_0``). Entries
    of FINN's other layers are accepted and have no effect: their lanes follow the matrix-vector nodes.

    Raises:
        FoldingError: an unknown layer, a PE or SIMD that is no positive whole number or does not divide.
    """
    nodes = [node for node in graph.nodes if isinstance(node, MatVec)]
    defaults = _defaults(record.get("Defaults", {}))
    chosen = {node.name: defaults for node in nodes}
    named: dict[str, str] = {}
    for key, entry in record.items():
        if key == "Defaults" or (key not in chosen and _OTHER.fullmatch(key)):
            continue
        name = _resolve(key, nodes)
        if name in named:
            raise FoldingError(f"folding names layer {name} twice, as {named[name]} and as {key}")
        named[name] = key
        if not isinstance(entry, dict):
            raise FoldingError(f"folding of {key} is {entry!r}; an object such as {{'PE': 1, 'SIMD': 1}} is accepted")
        unknown = sorted(set(entry) - {"PE", "SIMD"} - _IGNORED_KEYS)
        if unknown:
            raise FoldingError(f"folding of {key} has the unknown key {unknown[0]!r}; PE and SIMD are accepted")
        pe, simd = chosen[name]
        chosen[name] = (_positive(key, "PE", entry.get("PE", pe)), _positive(key, "SIMD", entry.get("SIMD", simd)))
    for node in nodes:
        pe, simd = chosen[node.name]
        _divides(node.name, "PE", pe, "MH", node.mh)
        _divides(node.name, "SIMD", simd, "MW", node.mw)
    return chosen


def divisors(number: int) -> tuple[int, ...]:
    """All positive divisors, ascending."""
    return tuple(d for d in range(1, number + 1) if number % d == 0)


def _resolve(key: str, nodes: list[MatVec]) -> str:
    if any(node.name == key for node in nodes):
        return key
    match = _MVAU.fullmatch(key)
    if match and int(match[1]) < len(nodes):
        return nodes[int(match[1])].name
    known = ", ".join(node.name for node in nodes)
    raise FoldingError(
        f"folding names layer {key!r}, which the network does not have; its layers are {known}, or MVAU_hls_0 to MVAU_hls_{len(nodes) - 1}"
    )


def _defaults(record: Any) -> tuple[int, int]:
    if not isinstance(record, dict):
        raise FoldingError(f"folding Defaults are {record!r}; an object is accepted")
    values = [record.get(what, 1) for what in ("PE", "SIMD")]
    pe, simd = (value[0] if isinstance(value, list) and value else value for value in values)
    return _positive("Defaults", "PE", pe), _positive("Defaults", "SIMD", simd)


def _positive(key: str, what: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise FoldingError(f"folding of {key}: {what} {value!r} is not a positive whole number")
    return value


def _divides(name: str, what: str, value: int, size_name: str, size: int) -> None:
    if size % value:
        listed = ", ".join(map(str, divisors(size)))
        raise FoldingError(f"node {name}: {what} {value} does not divide {size_name} {size}; accepted are {listed}")
