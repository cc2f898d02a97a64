"""Graph <-> JSON: one deterministic text, arrays packed to the bits their values need.

A node becomes an object of its fields. What JSON lacks is tagged: ``{"array": "int64", ...}``, ``{"type": "UINT8"}``,
``{"border": {...}}``; lists are tuples.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError
from xnorflow.hw.graph import Graph, Node, StreamType
from xnorflow.hw.nodes import NODES
from xnorflow.hw.nodes.mat_vec import Border
from xnorflow.hw.types import IntType
from xnorflow.records import parse_json

GRAPH_FORMAT = 1
_MAX_ELEMENTS = 1 << 31


def graph_to_json(graph: Graph) -> str:
    """The graph as JSON text, the same text for the same graph."""
    record = {
        "format": GRAPH_FORMAT,
        "inputs": [{"name": name, "shape": list(kind.shape), "type": kind.dtype.name} for name, kind in graph.inputs.items()],
        "nodes": [_node_record(node) for node in graph.nodes],
        "outputs": list(graph.outputs),
    }
    return json.dumps(record, indent=1) + "\n"


def graph_from_json(text: str, source: str = "graph") -> Graph:
    """Read what :func:`graph_to_json` wrote; every rule of the graph is checked again.

    Args:
        text: the JSON text.
        source: what an error message calls it.

    Raises:
        BadInputError: the text is no such graph.
    """
    try:
        record = parse_json(text, source)
        if record["format"] != GRAPH_FORMAT:
            raise BadInputError(f"{source} has format {record['format']!r}; {GRAPH_FORMAT} is accepted")
        inputs = {i["name"]: StreamType(tuple(i["shape"]), IntType.parse(i["type"])) for i in record["inputs"]}
        return Graph(inputs, tuple(_node(n) for n in record["nodes"]), tuple(record["outputs"]))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, binascii.Error) as error:
        raise BadInputError(f"{source} is damaged: {type(error).__name__}: {error}") from error


def _node_record(node: Node) -> dict[str, Any]:
    record: dict[str, Any] = {"op": node.op}
    for item in dataclasses.fields(node):
        record[item.name] = _encode(getattr(node, item.name))
    return record


def _node(record: dict[str, Any]) -> Node:
    fields = dict(record)
    op = fields.pop("op")
    if op not in NODES:
        raise BadInputError(f"node {fields.get('name')!r} has the unknown op {op!r}; known are {', '.join(sorted(NODES))}")
    cls: Any = NODES[op]
    node = cls(**{name: _decode(value) for name, value in fields.items()})
    assert isinstance(node, Node)
    return node


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _pack(value)
    if isinstance(value, IntType):
        return {"type": value.name}
    if isinstance(value, Border):
        return {"border": {f.name: _pack(getattr(value, f.name)) for f in dataclasses.fields(value)}}
    if isinstance(value, tuple):
        return [_encode(v) for v in value]
    assert value is None or isinstance(value, bool | int | str), f"a node field of type {type(value).__name__}"
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(v) for v in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return _unpack(value)
    if "type" in value:
        return IntType.parse(value["type"])
    return Border(**{name: _unpack(item) for name, item in value["border"].items()})


def _pack(array: npt.NDArray[Any]) -> dict[str, Any]:
    kind = "bool" if array.dtype == np.bool_ else "int64"
    values = array.astype(np.int64).reshape(-1)
    low = int(values.min(initial=0)) if values.size else 0
    offsets = (values - low).astype(np.uint64)
    bits = int(offsets.max(initial=0)).bit_length()
    planes = np.empty((values.size, bits), dtype=np.uint8)
    for bit in range(bits):
        planes[:, bit] = (offsets >> np.uint64(bit)) & np.uint64(1)
    data = base64.b64encode(np.packbits(planes.reshape(-1), bitorder="little").tobytes()).decode("ascii")
    return {"array": kind, "shape": list(array.shape), "low": low, "bits": bits, "data": data}


def _unpack(record: dict[str, Any]) -> npt.NDArray[Any]:
    shape, bits = tuple(record["shape"]), record["bits"]
    size = prod(shape)
    if record["array"] not in ("int64", "bool") or not 0 <= size < _MAX_ELEMENTS or not 0 <= bits <= 64:
        raise ValueError(f"array of {record['array']} {shape} with {bits} bits")
    packed = np.frombuffer(base64.b64decode(record["data"], validate=True), dtype=np.uint8)
    if len(packed) != (size * bits + 7) // 8:
        raise ValueError(f"array {shape} of {bits} bits holds {len(packed)} bytes")
    planes = np.unpackbits(packed, count=size * bits, bitorder="little").reshape(size, bits)
    values = np.zeros(size, dtype=np.uint64)
    for bit in range(bits):
        values |= planes[:, bit].astype(np.uint64) << np.uint64(bit)
    signed = values.astype(np.int64) + np.int64(record["low"])
    return (signed.astype(np.bool_) if record["array"] == "bool" else signed).reshape(shape)
