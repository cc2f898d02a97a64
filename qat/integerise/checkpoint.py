"""Checkpoints of integerised networks: those of their training, with steps instead of layers."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import torch

from xnorflow.qat.checkpoint import INTEGER_STEPS, NETWORK_PREFIX, RECORD, CheckpointInfo
from xnorflow.qat.export import write_atomically
from xnorflow.qat.integerise.network import IntegerNetwork


def save_integers(path: Path, info: CheckpointInfo, network: IntegerNetwork, accuracy: float) -> None:
    """Write a checkpoint that ``evaluate`` and ``export`` take, and no training goes on from.

    Args:
        path: file to write; appears when it is whole.
        info: of the checkpoint that was integerised.
        network: its integers.
        accuracy: of the integers on the test images.

    Raises:
        BadInputError: the file cannot be written.
    """
    content = {
        RECORD: replace(info, accuracy=accuracy).to_record(),
        INTEGER_STEPS: network.to_record(),
        "state_dict": {NETWORK_PREFIX + name: value for name, value in network.state_dict().items()},
    }
    data = io.BytesIO()
    torch.save(content, data)
    write_atomically(path, data.getvalue())
