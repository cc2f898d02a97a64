"""CIFAR-10's pickled batches in torchvision's layout, read by an unpickler that runs no code."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.qat.data.split import Split, SplitName

FOLDER = "cifar-10-batches-py"
BATCHES = {"train": tuple(f"data_batch_{n}" for n in range(1, 6)), "test": ("test_batch",)}
SHAPE = (3, 32, 32)
CLASSES = 10
ALLOWED = frozenset(
    (
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    )
)


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it holds a {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def load_cifar10(root: Path, split: SplitName) -> Split:
    """Read ``data_batch_1..5`` or ``test_batch`` from ``DIR/cifar-10-batches-py`` or from ``DIR`` itself.

    Raises:
        BadInputError: a file is missing or holds something else.
    """
    folder = root / FOLDER if (root / FOLDER).is_dir() else root
    parts = [_read_batch(folder / name, root) for name in BATCHES[split]]
    images = np.concatenate([data for data, _ in parts]).reshape(-1, *SHAPE).transpose(0, 2, 3, 1)
    labels = np.concatenate([labels for _, labels in parts])
    return Split(np.ascontiguousarray(images), labels, _classes(folder / "batches.meta", root))


def _read_batch(path: Path, root: Path) -> tuple[Any, Any]:
    record = _unpickle(path, root)
    try:
        data, labels = np.asarray(record["data"]), np.asarray(record["labels"], dtype=np.int64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadInputError(f"{path} is no CIFAR-10 batch: a dictionary with 'data' and 'labels' is expected") from error
    if data.dtype != np.uint8 or data.shape != (len(labels), int(np.prod(SHAPE))) or labels.ndim != 1:
        raise BadInputError(f"{path} is no CIFAR-10 batch: data {data.dtype} {data.shape} with {labels.shape} labels, expected uint8 (N, 3072)")
    if len(labels) and not (labels.min() >= 0 and labels.max() < CLASSES):
        raise BadInputError(f"{path} has a label outside 0..{CLASSES - 1}")
    return data, labels


def _classes(path: Path, root: Path) -> tuple[str, ...]:
    record = _unpickle(path, root)
    names = record.get("label_names") if isinstance(record, dict) else None
    if not isinstance(names, list) or len(names) != CLASSES:
        raise BadInputError(f"{path} is no CIFAR-10 meta file: a dictionary with {CLASSES} 'label_names' is expected")
    return tuple(str(name) for name in names)


def _unpickle(path: Path, root: Path) -> Any:
    if not path.is_file():
        raise BadInputError(f"cifar10={root} holds no {path.name}: it is looked for in {root / FOLDER} and in {root}")
    try:
        with path.open("rb") as file:
            return _ArrayUnpickler(file, encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises anything
        raise BadInputError(f"{path} is no CIFAR-10 batch: {error}") from error
