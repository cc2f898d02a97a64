"""Where a command's images come from: a data set, a NumPy file, or a seeded random draw."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.qat.data.view import EvaluationView

FORMS = "digits, mnist=DIR, cifar10=DIR, cifar100=DIR, folder=DIR, imagenet=DIR or a file FILE.npy"


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images with their origin.

    Attributes:
        images: uint8 ``(N, H, W, C)``.
        labels: int64 ``(N,)``, or None where none are known.
        source: where they come from, in words.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64] | None
    source: str


def load_images(
    spec: str, limit: int | None = None, *, view: EvaluationView | None = None, progress: Callable[[str], None] | None = None
) -> ImageSet:
    """Read the test images of a data set, or a NumPy file.

    Args:
        spec: one of :data:`FORMS`; a file holds uint8 ``(N, H, W, C)``.
        limit: most images, from the first on; None for all.
        view: how images of a data set get the network's size; None for images that have it.
        progress: called with a line of text.

    Raises:
        BadInputError: the spec is none of these, the files do not hold such data, or there are fewer images than asked for.
    """
    if spec.endswith(".npy"):
        images, labels = _read_npy(Path(spec)), None
    else:
        from xnorflow.qat.data.sources import AS_IT_IS, load_split

        if view is None and spec.startswith("imagenet="):
            raise BadInputError(f"{spec}: its images have many sizes; name the checkpoint that knows their view, or images of the build's size")
        split = load_split(spec, "test", progress, view or AS_IT_IS, None if limit is None else max(limit, 1))
        images, labels = split.images, split.labels
    _check_limit(limit, len(images), spec)
    what = spec if spec.endswith(".npy") else f"{spec}, test images"
    return ImageSet(images[:limit], None if labels is None else labels[:limit], what)


def random_images(shape: tuple[int, ...], count: int, seed: int) -> ImageSet:
    """Images ``(count, *shape)`` whose pixels are drawn evenly from 0 to 255."""
    if count < 1:
        raise BadInputError(f"{count} images were asked for; 1 or more are accepted")
    images = np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)
    return ImageSet(images, None, f"random pixels, seed {seed}")


def _read_npy(path: Path) -> npt.NDArray[np.uint8]:
    try:
        images = np.load(path, allow_pickle=False)
    except MemoryError as error:
        raise BadInputError(f"images {path} cannot be read: its header claims more than fits in memory") from error
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no array file"
        raise BadInputError(f"images {path} cannot be read: {reason}") from error
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else "several arrays"
        raise BadInputError(f"images {path} hold {found}; uint8 (N, H, W, C) is accepted")
    return images


def _check_limit(limit: int | None, available: int, spec: str) -> None:
    if limit is not None and not 1 <= limit <= available:
        raise BadInputError(f"{limit} images were asked for; {spec} has {available}")
