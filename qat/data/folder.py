"""An image folder: one sub-folder per class under ``train/`` and under ``test/`` or ``val/``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from xnorflow.errors import BadInputError
from xnorflow.qat.data.split import Split, SplitName

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".tif", ".tiff", ".webp"))
NAMES = {"train": ("train",), "test": ("test", "val")}
REPORT_EVERY = 10_000
GREY_MODES = ("1", "L")
WIDE_MODES = ("I", "F")  # first letters: 32-bit integers, 16-bit ones such as I;16, floats


def load_folder(root: Path, split: SplitName, progress: Callable[[str], None] | None = None) -> Split:
    """Decode every image once; classes and files are taken in sorted order.

    The images are grey (one channel) if all of them are, else RGB, and must all have one size.

    Raises:
        BadInputError: a folder is missing or empty, a file is no image or has more than 8 bits a channel, or its
            size differs from the first one's.
    """
    folder = _split_folder(root, split)
    classes = _classes(root / "train" if (root / "train").is_dir() else folder)
    unknown = [name for name in _classes(folder) if name not in classes]
    if unknown:
        raise BadInputError(f"{folder} has class {unknown[0]}, which {root / 'train'} has not")
    files = [(path, label) for label, name in enumerate(classes) for path in _images(folder / name)]
    if not files:
        raise BadInputError(f"{folder} holds no images with one of the endings {', '.join(sorted(SUFFIXES))}")
    arrays = []
    for count, (path, _) in enumerate(files):
        if progress and count and count % REPORT_EVERY == 0:
            progress(f"decoded {count} of {len(files)} images of {folder}")
        arrays.append(_decode(path))
    return Split(_stack(arrays, [path for path, _ in files]), np.array([label for _, label in files], np.int64), classes)


def _split_folder(root: Path, split: SplitName) -> Path:
    for name in NAMES[split]:
        if (root / name).is_dir():
            return root / name
    raise BadInputError(f"folder={root} holds no {' or '.join(f'{name}/' for name in NAMES[split])} with one folder per class")


def _classes(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(child.name for child in folder.iterdir() if child.is_dir()))


def _images(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _decode(path: Path) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            if image.mode[0] in WIDE_MODES:
                raise BadInputError(f"{path} has more than 8 bits a channel (mode {image.mode}); 8 bits are accepted")
            return np.asarray(image.convert("L" if image.mode in GREY_MODES else "RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError) as error:
        raise BadInputError(f"{path} cannot be decoded: {error}") from error


def _stack(arrays: list[npt.NDArray[np.uint8]], paths: list[Path]) -> npt.NDArray[np.uint8]:
    height, width = arrays[0].shape[:2]
    grey = all(array.ndim == 2 for array in arrays)
    out = np.empty((len(arrays), height, width, 1 if grey else 3), np.uint8)
    for index, (array, path) in enumerate(zip(arrays, paths, strict=True)):
        if array.shape[:2] != (height, width):
            raise BadInputError(f"{path} is {array.shape[0]}x{array.shape[1]} but {paths[0]} is {height}x{width}; all images must have one size")
        out[index] = array if array.ndim == 3 else array[..., None]
    return out
