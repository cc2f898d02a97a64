"""The data sets by name: ``digits``, ``mnist=DIR``, ``cifar10=DIR``, ``folder=DIR``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xnorflow.errors import BadInputError
from xnorflow.qat.data.cifar10 import load_cifar10
from xnorflow.qat.data.digits import load_digits
from xnorflow.qat.data.folder import load_folder
from xnorflow.qat.data.mnist import load_mnist
from xnorflow.qat.data.split import Split, SplitName

Progress = Callable[[str], None] | None
FORMS = "digits, mnist=DIR, cifar10=DIR, folder=DIR"


def load_split(spec: str, split: SplitName, progress: Progress = None) -> Split:
    """Read one half of a data set into memory; nothing is ever downloaded.

    Args:
        spec: ``digits`` (scikit-learn's, needs no files), ``mnist=DIR`` (idx files, torchvision's layout), ``cifar10=DIR``
            (the pickled batches, torchvision's layout) or ``folder=DIR`` (one folder per class under ``train/`` and
            ``test/`` or ``val/``).
        split: ``train`` or ``test``.
        progress: told about slow work in words.

    Raises:
        BadInputError: the spec is none of these, or the folder does not hold such data.
    """
    kind, equals, folder = spec.partition("=")
    if spec == "digits":
        return load_digits(split)
    if kind in ("mnist", "cifar10", "folder") and not (equals and folder):
        raise BadInputError(f"data {spec!r} lacks its folder; write {kind}=DIR")
    match kind:
        case "mnist":
            return load_mnist(Path(folder), split)
        case "cifar10":
            return load_cifar10(Path(folder), split)
        case "folder":
            return load_folder(Path(folder), split, progress)
    raise BadInputError(f"data {spec!r} is not known; accepted are {FORMS}")
