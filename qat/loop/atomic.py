"""Lightning's checkpoints as files that are either the former or the new one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from xnorflow.errors import BadInputError
from xnorflow.files import replacing


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
