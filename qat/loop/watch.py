"""Stop a training at the step at which it diverges."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from xnorflow.errors import BadInputError

SCALED = "16-mixed"  # its gradients may overflow; the scaler leaves such a step out


class DivergenceWatch(Callback):
    """Refuses losses and gradients that are no numbers, before they reach the weights.

    On a GPU the check is one step late, since waiting for each step's value would leave the device idle; the weights of that one
    step are never written, as checkpoints are checked too.

    Args:
        stage: of the recipe, for the message.
        checkpoint: the last good one, for the message.
        precision: of the training.
    """

    def __init__(self, stage: str, checkpoint: Path, precision: str) -> None:
        self.stage = stage
        self.checkpoint = checkpoint
        self.gradients = precision != SCALED
        self.late: list[tuple[int, str, Tensor]] = []

    def on_before_backward(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, loss: Tensor) -> None:
        value = loss.detach()
        if trainer.world_size > 1:  # or one process would stop and the others wait for it
            value = value.clone()
            torch.distributed.all_reduce(value)
        self._see(trainer, "loss", value)

    def on_before_optimizer_step(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, optimizer: Optimizer) -> None:
        if self.gradients:
            gradients = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
            self._see(trainer, "norm of the gradients", get_total_norm(gradients))

    def on_save_checkpoint(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]) -> None:
        self._check(trainer)
        for name, value in checkpoint["state_dict"].items():
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                raise BadInputError(self._message(trainer, trainer.global_step, f"{name} is not finite"))

    def _see(self, trainer: lightning.Trainer, what: str, value: Tensor) -> None:
        if value.is_cuda:
            previous = [entry for entry in self.late if entry[0] < trainer.global_step]
            self.late = [entry for entry in self.late if entry[0] >= trainer.global_step]
            self._check_values(trainer, previous)
            self.late.append((trainer.global_step, what, value))
        else:
            self._check_values(trainer, [(trainer.global_step, what, value)])

    def _check(self, trainer: lightning.Trainer) -> None:
        seen, self.late = self.late, []
        self._check_values(trainer, seen)

    def _check_values(self, trainer: lightning.Trainer, seen: list[tuple[int, str, Tensor]]) -> None:
        for step, what, value in seen:
            number = float(value)
            if not math.isfinite(number):
                raise BadInputError(self._message(trainer, step, f"the {what} is {number}"))

    def _message(self, trainer: lightning.Trainer, step: int, fault: str) -> str:
        kept = f"the last good checkpoint is {self.checkpoint}" if self.checkpoint.is_file() else "no checkpoint was written before"
        return f"training diverged in stage {self.stage}, epoch {trainer.current_epoch}, step {step}: {fault}; lower train.lr; {kept}"
