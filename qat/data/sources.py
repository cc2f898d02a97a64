"""The data sets by name: ``digits``, ``mnist=DIR``, ``cifar10=DIR``, ``cifar100=DIR``, ``folder=DIR``, ``imagenet=DIR``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xnorflow.errors import BadInputError
from xnorflow.qat.data.cifar import CIFAR10, CIFAR100, load_cifar
from xnorflow.qat.data.digits import load_digits
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.folder import list_folder
from xnorflow.qat.data.mnist import load_mnist
from xnorflow.qat.data.split import Split, SplitName
from xnorflow.qat.data.view import EvaluationView

Progress = Callable[[str], None] | None
FORMS = "digits, mnist=DIR, cifar10=DIR, cifar100=DIR, folder=DIR, imagenet=DIR"
KINDS_IN_FOLDERS = ("mnist", "cifar10", "cifar100", "folder", "imagenet")
KINDS_OF_FILES = ("folder", "imagenet")
AS_IT_IS = EvaluationView()


def open_split(
    spec: str, split: SplitName, view: EvaluationView = AS_IT_IS, progress: Progress = None, *, limit: int | None = None, seed: int = 0
) -> Split | FileSplit:
    """Open one half of a data set; nothing is ever downloaded.

    Args:
        spec: ``digits`` (scikit-learn's, needs no files), ``mnist=DIR`` (idx files, torchvision's layout), ``cifar10=DIR``
            or ``cifar100=DIR`` (the pickled batches, torchvision's layout), or ``folder=DIR`` or ``imagenet=DIR`` (one folder per
            class under ``train/`` and ``test/`` or ``val/``).
        split: ``train`` or ``test``.
        view: how images get the network's size; with one, those of a folder stay in their files.
        progress: told about slow work in words.
        limit: only so many images, the first of the shuffle that ``seed`` decides; None for all, in their own order.
        seed: of that shuffle.

    Raises:
        BadInputError: the spec is none of these, the folder does not hold such data, or the view does not fit the spec.
    """
    found = _find(spec, split, view)
    chosen = found if limit is None else found.shuffled(seed).head(limit)
    return chosen.loaded(progress) if isinstance(chosen, FileSplit) and view.size is None else chosen


def load_split(spec: str, split: SplitName, progress: Progress = None, view: EvaluationView = AS_IT_IS, limit: int | None = None) -> Split:
    """Read one half of a data set into memory, as a network is evaluated on it.

    Args:
        spec: see :func:`open_split`.
        split: ``train`` or ``test``.
        progress: told about slow work in words.
        view: how images get the network's size.
        limit: only the first so many images; None for all.

    Raises:
        BadInputError: see :func:`open_split`; or a file is no image.
    """
    chosen = _find(spec, split, view).head(limit)
    return chosen.loaded(progress) if isinstance(chosen, FileSplit) else chosen


def _find(spec: str, split: SplitName, view: EvaluationView) -> Split | FileSplit:
    kind, equals, folder = spec.partition("=")
    if kind in KINDS_IN_FOLDERS and not (equals and folder):
        raise BadInputError(f"data {spec!r} lacks its folder; write {kind}=DIR")
    if kind not in KINDS_IN_FOLDERS and spec != "digits":
        raise BadInputError(f"data {spec!r} is not known; accepted are {FORMS}")
    if view.size is not None and kind not in KINDS_OF_FILES:
        raise BadInputError(f"data.size {view.size} is for folder=DIR and imagenet=DIR; the images of {kind} have one size already")
    if kind == "imagenet" and view.size is None:
        raise BadInputError(f"data {spec} needs data.size, 224 for one: its images have many sizes")
    match kind:
        case "digits":
            return load_digits(split)
        case "mnist":
            return load_mnist(Path(folder), split)
        case "cifar10":
            return load_cifar(CIFAR10, Path(folder), split)
        case "cifar100":
            return load_cifar(CIFAR100, Path(folder), split)
    return list_folder(Path(folder), split, view, kind)
