"""PNG and JPEG files as one batch of images: never resized, never recoloured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError
from xnorflow.flows.images import ImageSet

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODES = {1: ("L", "1"), 3: ("RGB", "P")}
_WORDS = {1: "grey", 3: "RGB"}


def read_pictures(paths: Sequence[Path], shape: tuple[int, int, int]) -> ImageSet:
    """Read files of one size.

    Args:
        paths: the files.
        shape: ``(H, W, C)`` that each must have; C is 1 (grey) or 3 (RGB; a palette without transparency counts as RGB).

    Raises:
        BadInputError: a file is missing, no picture, or of another size or colour; or C is neither 1 nor 3.
    """
    if shape[2] not in _MODES:
        raise BadInputError(f"picture files have 1 or 3 channels; this build takes {shape[2]}, give a NumPy file")
    images = np.stack([_read(path, shape) for path in paths])
    return ImageSet(images, None, str(paths[0]) if len(paths) == 1 else f"{len(paths)} picture files")


def _read(path: Path, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    height, width, channels = shape
    try:
        with Image.open(path) as picture:
            fits = picture.mode in _MODES[channels] and "transparency" not in picture.info
            if not fits or picture.size != (width, height):
                found = f"{picture.mode} of {picture.width}x{picture.height}"
                raise BadInputError(f"picture {path} is {found} pixels; {_WORDS[channels]} of {width}x{height} is accepted")
            pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"), dtype=np.uint8)
    except UnidentifiedImageError as error:
        raise BadInputError(f"picture {path} is no image file that can be read") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the file is damaged"
        raise BadInputError(f"picture {path} cannot be read: {reason}") from error
    return pixels.reshape(shape)
