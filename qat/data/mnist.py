"""MNIST's idx files, plain or gzipped, in torchvision's layout ``DIR/MNIST/raw`` or in ``DIR`` itself."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError
from xnorflow.qat.data.split import Split, SplitName

UNSIGNED_BYTE = 0x08
PREFIX = {"train": "train", "test": "t10k"}


def load_mnist(root: Path, split: SplitName) -> Split:
    """Read ``{train,t10k}-images-idx3-ubyte`` and ``-labels-idx1-ubyte``.

    Raises:
        BadInputError: a file is missing or is no idx file of the expected rank, or the two disagree.
    """
    images_path = _find(root, f"{PREFIX[split]}-images-idx3-ubyte")
    labels_path = _find(root, f"{PREFIX[split]}-labels-idx1-ubyte")
    images, labels = _read_idx(images_path, 3), _read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise BadInputError(f"{images_path} holds {len(images)} images but {labels_path} {len(labels)} labels")
    if len(labels) == 0:
        raise BadInputError(f"{images_path} holds no images")
    return Split(images[..., None], labels.astype(np.int64), tuple(str(digit) for digit in range(max(10, int(labels.max()) + 1))))


def _find(root: Path, name: str) -> Path:
    for folder in (root / "MNIST" / "raw", root):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise BadInputError(f"mnist={root} holds no {name}: it is looked for in {root / 'MNIST' / 'raw'} and in {root}, plain or .gz")


def _read_idx(path: Path, rank: int) -> npt.NDArray[np.uint8]:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    header = 4 + 4 * rank
    if len(data) < header or data[:4] != bytes((0, 0, UNSIGNED_BYTE, rank)):
        raise BadInputError(f"{path} is no idx file of unsigned bytes with {rank} dimensions")
    shape = struct.unpack(f">{rank}I", data[4:header])
    if len(data) - header != int(np.prod(shape)):
        raise BadInputError(f"{path} is truncated: shape {shape} takes {int(np.prod(shape))} bytes, the file has {len(data) - header}")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape).copy()
