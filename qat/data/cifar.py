"""The pickled batches of CIFAR-10 and CIFAR-100 in torchvision's layout, read by an unpickler that runs no code."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.qat.data.split import Split, SplitName

SHAPE = (3, 32, 32)
ALLOWED = frozenset(
    (
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    )
)


@dataclass(frozen=True)
class CifarForm:
    """How one of the two data sets is laid out.

    Attributes:
        name: of the data set.
        spec: what a recipe calls it.
        folder: of its files.
        batches: files of each split.
        labels: key of a batch's labels.
        meta: file of the class names.
        names: key of the class names.
        classes: their number.
    """

    name: str
    spec: str
    folder: str
    batches: Mapping[SplitName, tuple[str, ...]]
    labels: str
    meta: str
    names: str
    classes: int


CIFAR10 = CifarForm(
    name="CIFAR-10",
    spec="cifar10",
    folder="cifar-10-batches-py",
    batches={"train": tuple(f"data_batch_{n}" for n in range(1, 6)), "test": ("test_batch",)},
    labels="labels",
    meta="batches.meta",
    names="label_names",
    classes=10,
)
CIFAR100 = CifarForm(
    name="CIFAR-100",
    spec="cifar100",
    folder="cifar-100-python",
    batches={"train": ("train",), "test": ("test",)},
    labels="fine_labels",
    meta="meta",
    names="fine_label_names",
    classes=100,
)


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it holds a {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def load_cifar(form: CifarForm, root: Path, split: SplitName) -> Split:
    """Read the batches of a split from the data set's folder in ``root`` or from ``root`` itself.

    Raises:
        BadInputError: a file is missing or holds something else.
    """
    folder = root / form.folder if (root / form.folder).is_dir() else root
    parts = [_read_batch(form, folder / name, root) for name in form.batches[split]]
    images = np.concatenate([data for data, _ in parts]).reshape(-1, *SHAPE).transpose(0, 2, 3, 1)
    labels = np.concatenate([labels for _, labels in parts])
    return Split(np.ascontiguousarray(images), labels, _classes(form, folder / form.meta, root))


def _read_batch(form: CifarForm, path: Path, root: Path) -> tuple[Any, Any]:
    record, what = _unpickle(form, path, root), f"{path} is no {form.name} batch"
    try:
        data, labels = np.asarray(record["data"]), np.asarray(record[form.labels], dtype=np.int64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadInputError(f"{what}: a dictionary with 'data' and {form.labels!r} is expected") from error
    if data.dtype != np.uint8 or data.shape != (len(labels), int(np.prod(SHAPE))) or labels.ndim != 1:
        raise BadInputError(f"{what}: data {data.dtype} {data.shape} with {labels.shape} labels, expected uint8 (N, 3072)")
    if len(labels) and not (labels.min() >= 0 and labels.max() < form.classes):
        raise BadInputError(f"{path} has a label outside 0..{form.classes - 1}")
    return data, labels


def _classes(form: CifarForm, path: Path, root: Path) -> tuple[str, ...]:
    record = _unpickle(form, path, root)
    names = record.get(form.names) if isinstance(record, dict) else None
    if not isinstance(names, list) or len(names) != form.classes:
        raise BadInputError(f"{path} is no {form.name} meta file: a dictionary with {form.classes} {form.names!r} is expected")
    return tuple(str(name) for name in names)


def _unpickle(form: CifarForm, path: Path, root: Path) -> Any:
    if not path.is_file():
        raise BadInputError(f"{form.spec}={root} holds no {path.name}: it is looked for in {root / form.folder} and in {root}")
    try:
        with path.open("rb") as file:
            return _ArrayUnpickler(file, encoding="latin1").load()
    except Exception as error:  # a damaged pickle raises anything
        raise BadInputError(f"{path} is no {form.name} batch: {' '.join(str(error).split())}") from error
