"""A file of named arrays in which -1 and +1 take one bit: read in place, refused where it is not what was written.

Layout, little-endian: ``XNORPACK``, version, length of the header, SHA-256 of the header, the header as JSON, then the arrays,
each at a multiple of 64 bytes. The header holds the length of the file and, of each array, name, element type (``bits`` for
-1 and +1), shape, place and SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError
from xnorflow.files import replacing
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAGIC = b"XNORPACK"
VERSION = 1
BITS = "bits"
_START = struct.Struct("<8sII32s")
_ALIGN = 64
_TYPES = ("int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64", "bool")


@dataclass(frozen=True, eq=False)
class Archive:
    """The contents of a file.

    Attributes:
        meta: what was written beside the arrays, as JSON knows it.
        arrays: by name; those of numbers lie in the file, those of -1 and +1 are unpacked to int8.
    """

    meta: Any
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)


def write_archive(path: Path, arrays: Mapping[str, npt.NDArray[Any]], bits: Mapping[str, npt.NDArray[Any]], meta: Any) -> int:
    """Write a file in one step: it is complete, or not there.

    Args:
        path: where.
        arrays: stored as they are.
        bits: arrays of -1 and +1, stored at one bit.
        meta: anything JSON can hold.

    Returns:
        The file's length in bytes.

    Raises:
        BadInputError: an element type that the format does not know, a value in ``bits`` that is neither -1 nor +1, or a name given twice.
    """
    blocks = [(name, *_block(name, array, packed=False)) for name, array in arrays.items()]
    blocks += [(name, *_block(name, array, packed=True)) for name, array in bits.items()]
    if len({name for name, *_ in blocks}) != len(blocks):
        raise BadInputError("an archive holds an array of numbers and one of bits under one name")
    offset, entries = 0, []
    for name, kind, shape, data in blocks:
        entries.append({"name": name, "type": kind, "shape": shape, "offset": offset, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
        offset += _padded(len(data))
    header = json.dumps({"meta": meta, "data": offset, "arrays": entries}).encode()
    start = _START.pack(MAGIC, VERSION, len(header), hashlib.sha256(header).digest()) + header
    with replacing(path) as file:
        for part in (start, *(data for *_, data in blocks)):
            file.write(part.ljust(_padded(len(part)), b"\0"))
    return _padded(len(start)) + offset


def read_archive(path: Path) -> Archive:
    """Open a file and check all of it.

    Raises:
        BadInputError: there is no such file, it is not of this kind or version, or it is shorter, longer or other than what was written.
    """
    try:
        memory = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: no packed file can be read: {error}") from error
    header, begin = _header(path, memory)
    if len(memory) != begin + header["data"]:
        raise BadInputError(f"{path} is damaged: it has {len(memory)} bytes of {begin + header['data']}")
    archive = Archive(header["meta"])
    for entry in header["arrays"]:
        data = memory[begin + entry["offset"] : begin + entry["offset"] + entry["bytes"]]
        if hashlib.sha256(data.data).hexdigest() != entry["sha256"]:
            raise BadInputError(f"{path} is damaged: array {entry['name']!r} is not what was written")
        archive.arrays[entry["name"]] = _array(data, entry["type"], entry["shape"])
    return archive


def _header(path: Path, memory: npt.NDArray[np.uint8]) -> tuple[Any, int]:
    """The header, and where the arrays begin."""
    if len(memory) < _START.size or memory[: len(MAGIC)].tobytes() != MAGIC:
        raise BadInputError(f"{path} is not a packed file of xnorflow")
    _, version, length, digest = _START.unpack(memory[: _START.size].tobytes())
    if version != VERSION:
        raise BadInputError(f"{path} is a packed file of version {version}; {VERSION} is accepted")
    text = memory[_START.size : _START.size + length].tobytes()
    if hashlib.sha256(text).digest() != digest:
        raise BadInputError(f"{path} is damaged: its header is not what was written")
    return parse_json(text.decode(), str(path)), _padded(_START.size + length)


def _block(name: str, array: npt.NDArray[Any], *, packed: bool) -> tuple[str, list[int], bytes]:
    if packed:
        if not np.all((array == 1) | (array == -1)):
            raise BadInputError(f"array {name!r} holds values that are neither -1 nor +1")
        return BITS, list(array.shape), np.packbits(array.reshape(-1) > 0, bitorder="little").tobytes()
    if array.dtype.name not in _TYPES:
        raise BadInputError(f"array {name!r} is {array.dtype}; accepted are {', '.join(_TYPES)}")
    return array.dtype.name, list(array.shape), np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def _array(data: npt.NDArray[np.uint8], kind: str, shape: list[int]) -> npt.NDArray[Any]:
    if kind != BITS:
        return data.view(np.dtype(kind).newbyteorder("<")).reshape(shape)
    signs = np.unpackbits(data, count=prod(shape), bitorder="little").astype(np.int8)
    return (2 * signs - 1).reshape(shape)


def _padded(length: int) -> int:
    return -(-length // _ALIGN) * _ALIGN
