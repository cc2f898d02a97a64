"""Files that are either the former or the new one, whenever the program or the machine stops."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from xnorflow.errors import BadInputError

UNFINISHED = ".unfinished"


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """A binary file that becomes ``target`` in one step at the end, once the disk has it; after an error ``target`` is what it was."""
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class AtomicCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoint files, written by :func:`replacing`; one that cannot be written is a ``BadInputError``."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None) -> None:
        assert storage_options is None
        try:
            with replacing(Path(path)) as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:  # of a full disk PyTorch makes a RuntimeError
            reason = str(error.__context__ or error).splitlines()[0]
            raise BadInputError(f"{path} cannot be written, and stays as it was: {reason}") from error
