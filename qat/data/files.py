"""One half of a data set in image files, decoded when they are needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from xnorflow.errors import BadInputError
from xnorflow.qat.data.split import LabelArray, PixelArray, Split
from xnorflow.qat.data.view import EvaluationView

REPORT_EVERY = 10_000
GREY_MODES = ("1", "L")
WIDE_MODES = ("I", "F")  # first letters: 32-bit integers, 16-bit ones such as I;16, floats


@dataclass(frozen=True, eq=False)
class FileSplit:
    """Image files and labels; the images are RGB and may have any size where ``view`` says which one they get.

    Attributes:
        root: folder that ``files`` are relative to.
        files: one for each image.
        labels: int64 ``(N,)``, indices into ``classes``.
        classes: names of the classes.
        view: how an image gets the network's size.
    """

    root: Path
    files: tuple[str, ...]
    labels: LabelArray
    classes: tuple[str, ...]
    view: EvaluationView

    def __len__(self) -> int:
        return len(self.files)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """``(C, H, W)`` of one image as the network takes it."""
        assert self.view.size is not None
        return 3, self.view.size, self.view.size

    def head(self, count: int | None) -> FileSplit:
        """The first ``count`` images, or all of them for None."""
        return FileSplit(self.root, self.files[:count], self.labels[:count], self.classes, self.view)

    def shuffled(self, seed: int) -> FileSplit:
        """The same images in an order that ``seed`` decides."""
        order = np.random.RandomState(seed).permutation(len(self))
        return FileSplit(self.root, tuple(self.files[index] for index in order), self.labels[order], self.classes, self.view)

    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the view, the classes, and of each file the name below ``root``, size in bytes and label.

        The pixels are not read, since a data set in files may take hours to: a file whose content changed under the same name
        and size is not noticed.
        """
        digest = hashlib.sha256(json.dumps([self.view.size, self.view.crop_ratio, self.view.interpolation, self.classes]).encode())
        for name, label in zip(self.files, self.labels.tolist(), strict=True):
            digest.update(json.dumps([name, (self.root / name).stat().st_size, label]).encode())
        return digest.hexdigest()

    def decoded(self, index: int) -> PixelArray:
        """One image as its file has it: uint8 ``(H, W, 3)``.

        Raises:
            BadInputError: the file is no image, or has more than 8 bits a channel.
        """
        return np.asarray(_read(self.root / self.files[index], grey=False))

    def viewed(self, index: int) -> PixelArray:
        """One image as a network is evaluated on it: uint8 ``(size, size, 3)``; raises as :meth:`decoded` does."""
        return self.view.apply(self.decoded(index))

    def loaded(self, progress: Callable[[str], None] | None = None) -> Split:
        """All images in memory, through the view; without one they are grey (one channel) if all of them are.

        Raises:
            BadInputError: a file is no image or has more than 8 bits a channel, or its size differs from the first one's.
        """
        arrays = []
        for count, name in enumerate(self.files):
            if progress and count and count % REPORT_EVERY == 0:
                progress(f"decoded {count} of {len(self)} images of {self.root}")
            arrays.append(self.viewed(count) if self.view.size is not None else _read(self.root / name, grey=True))
        return Split(_stack(arrays, [self.root / name for name in self.files]), self.labels, self.classes)


def _read(path: Path, *, grey: bool) -> npt.NDArray[np.uint8]:
    """Pixels ``(H, W, 3)``, or where ``grey`` is allowed and the file is, ``(H, W)``."""
    try:
        with Image.open(path) as image:
            if image.mode[0] in WIDE_MODES:
                raise BadInputError(f"{path} has more than 8 bits a channel (mode {image.mode}); 8 bits are accepted")
            return np.array(image.convert("L" if grey and image.mode in GREY_MODES else "RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError) as error:
        raise BadInputError(f"{path} cannot be decoded: {' '.join(str(error).split())}") from error


def _stack(arrays: list[npt.NDArray[np.uint8]], paths: list[Path]) -> npt.NDArray[np.uint8]:
    height, width = arrays[0].shape[:2]
    grey = all(array.ndim == 2 for array in arrays)
    out = np.empty((len(arrays), height, width, 1 if grey else 3), np.uint8)
    for index, (array, path) in enumerate(zip(arrays, paths, strict=True)):
        if array.shape[:2] != (height, width):
            raise BadInputError(
                f"{path} is {array.shape[0]}x{array.shape[1]} but {paths[0]} is {height}x{width}; "
                "all images must have one size, or data.size must say which one they get"
            )
        out[index] = array if array.ndim == 3 else array[..., None]
    return out
