"""Image folders: one sub-folder per class under ``train/`` and under ``test/`` or ``val/``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from xnorflow.errors import BadInputError
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.split import SplitName
from xnorflow.qat.data.view import EvaluationView

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
NAMES = {"train": ("train",), "test": ("test", "val")}


def list_folder(root: Path, split: SplitName, view: EvaluationView, kind: str = "folder") -> FileSplit:
    """Find the images; classes and files are taken in sorted order, and nothing is decoded.

    Args:
        root: holds ``train/`` and ``test/`` or ``val/``.
        split: which of them.
        view: how the images get the network's size.
        kind: of the source, for messages.

    Raises:
        BadInputError: a folder is missing or empty, or a class has no images or is not among the training's.
    """
    folder = _split_folder(root, split, kind)
    classes = _classes(root / "train" if (root / "train").is_dir() else folder)
    unknown = [name for name in _classes(folder) if name not in classes]
    if unknown:
        raise BadInputError(f"{folder} has class {unknown[0]}, which {root / 'train'} has not")
    found = [_images(folder, name) for name in classes]
    if not any(found):
        raise BadInputError(f"{folder} holds no images with one of the endings {', '.join(SUFFIXES)}")
    empty = [name for name, files in zip(classes, found, strict=True) if not files]
    if empty:
        raise BadInputError(f"{folder} holds no images of class {empty[0]}")
    labels = np.repeat(np.arange(len(classes)), [len(files) for files in found])
    return FileSplit(folder, tuple(name for files in found for name in files), labels, classes, view)


def _split_folder(root: Path, split: SplitName, kind: str) -> Path:
    for name in NAMES[split]:
        if (root / name).is_dir():
            return root / name
    raise BadInputError(f"{kind}={root} holds no {' or '.join(f'{name}/' for name in NAMES[split])} with one folder per class")


def _classes(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(child.name for child in folder.iterdir() if child.is_dir()))
    except OSError as error:
        raise BadInputError(f"{folder} cannot be read: {error.strerror}") from error


def _images(folder: Path, name: str) -> list[str]:
    """Images of a class, relative to ``folder``; by ``os.walk``, since a million of ``Path`` take minutes."""
    found = []
    for parent, _, files in os.walk(folder / name, onerror=_refuse) if (folder / name).is_dir() else ():
        inside = os.path.relpath(parent, folder).replace(os.sep, "/")
        found += [f"{inside}/{file}" for file in files if file.lower().endswith(SUFFIXES)]
    return sorted(found, key=lambda path: path.split("/"))


def _refuse(error: OSError) -> None:
    raise BadInputError(f"{error.filename} cannot be read: {error.strerror}") from error
