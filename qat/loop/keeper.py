"""Writes a run's checkpoints."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Checkpoint

from xnorflow.qat.checkpoint import RECORD, CheckpointInfo
from xnorflow.qat.loop.random_state import random_state, restore_random_state
from xnorflow.qat.loop.ranks import rank_zero_only

RANDOM = "random_state"


class CheckpointKeeper(Checkpoint):
    """Writes the checkpoint after each epoch, and within an epoch every so many steps, with our own record in it.

    The logs are written first, so that they have at least what the checkpoint has.

    Args:
        file: the checkpoint.
        info: the record; its metrics are filled in.
        every: steps; 0 for none within an epoch.
    """

    def __init__(self, file: Path, info: CheckpointInfo, every: int) -> None:
        self.file = file
        self.info = info
        self.every = every
        self.state: dict[str, Any] | None = None

    def on_load_checkpoint(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]) -> None:
        self.state = checkpoint.get(RANDOM)
        self.info = dataclasses.replace(self.info, metrics=checkpoint[RECORD].get("metrics", {}))

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        if self.state is not None:
            restore_random_state(self.state)

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.every and trainer.global_step % self.every == 0 and batch_idx + 1 < trainer.num_training_batches:
            self.save(trainer, self.file)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.info = dataclasses.replace(self.info, metrics={name: value for name, value in measured.items() if math.isfinite(value)})
        self.save(trainer, self.file)

    def on_save_checkpoint(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint[RECORD] = self.info.to_record()
        checkpoint[RANDOM] = random_state()

    def save(self, trainer: lightning.Trainer, file: Path) -> None:
        """Write ``file``; every process calls it, the first one writes."""
        for logger in trainer.loggers:
            rank_zero_only(logger.save)()
        trainer.save_checkpoint(file)
