"""The Lightning module: one quantised network, trained as its lesson says."""

from __future__ import annotations

import math
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

from xnorflow.errors import BadInputError
from xnorflow.qat.lesson import Lesson
from xnorflow.qat.optim.build import build_optimiser, build_schedule
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.train_settings import TrainSettings

STEP_STRIDE = 1_000_003


class BinaryClassifier(lightning.LightningModule):
    """Trains a quantised network on batches of integer pixels.

    Args:
        network: quantised network, float32 NCHW to logits.
        pixels: normalisation.
        settings: optimiser and schedule.
        lesson: the method; it gives the losses.
        steps_per_epoch: batches of one epoch; with the epochs it fixes the schedule.
        num_classes: logits.
    """

    def __init__(
        self, network: nn.Module, pixels: PixelTable, settings: TrainSettings, lesson: Lesson, *, steps_per_epoch: int, num_classes: int
    ) -> None:
        super().__init__()
        self.network = network
        self.pixels = pixels
        self.settings = settings
        self.lesson = lesson
        self.total_steps = steps_per_epoch * settings.epochs
        self.accuracy = MulticlassAccuracy(num_classes, average="micro")

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits of uint8 ``(N, H, W, C)``."""
        logits: Tensor = self.network(self.pixels(pixels))
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        # Dropout depends on seed and step only: Lightning's loaders draw from the generator at other times in a resumed run.
        torch.manual_seed(self.settings.seed * STEP_STRIDE + self.global_step)
        pixels, labels = batch
        loss, terms = self.lesson.losses(pixels, self(pixels), labels, self.global_step, self.total_steps)
        self.log("train/loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(labels))
        self.log_dict({f"terms/{name}": value for name, value in terms.items()}, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def on_fit_start(self) -> None:
        for teacher in self.lesson.teachers:
            teacher.to(self.device)

    def on_train_epoch_start(self) -> None:
        self.lesson.start_epoch(self.current_epoch, self.settings.epochs)

    def on_train_epoch_end(self) -> None:
        self.log_dict({f"weights/{name}": value for name, value in self.lesson.metrics().items()})
        loss = float(self.trainer.callback_metrics["train/loss"])
        if not math.isfinite(loss):
            raise BadInputError(f"training diverged: the loss of epoch {self.current_epoch} is {loss}; lower train.lr")

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        pixels, labels = batch
        self.accuracy(self(pixels), labels)
        self.log("val/accuracy", self.accuracy, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        optimiser = build_optimiser(self.network, self.settings)
        self.lesson.attach(optimiser)
        scheduler = build_schedule(optimiser, self.settings, self.total_steps // self.settings.epochs)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
