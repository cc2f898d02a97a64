"""The Lightning module: one quantised network, trained as its lesson says."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics.classification import MulticlassAccuracy

from xnorflow.qat.data.order import ShuffledBatches
from xnorflow.qat.lesson import Lesson
from xnorflow.qat.loop.means import EpochMeans
from xnorflow.qat.optim.build import build_optimiser, build_schedule
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.train_settings import TrainSettings

STEP_STRIDE = 1_000_003
RANK_STRIDE = 1 << 52  # above every seed and step, so that no two processes drop the same values
EPOCH_STATE = "within_epoch"


class BinaryClassifier(lightning.LightningModule):
    """Trains a quantised network on batches of integer pixels.

    Args:
        network: quantised network, float32 NCHW to logits.
        pixels: normalisation.
        settings: optimiser and schedule.
        lesson: the method; it gives the losses.
        sampler: order of the batches; with the epochs it fixes the schedule.
        num_classes: logits.
    """

    def __init__(
        self, network: nn.Module, pixels: PixelTable, settings: TrainSettings, lesson: Lesson, *, sampler: ShuffledBatches, num_classes: int
    ) -> None:
        super().__init__()
        self.network = network
        self.pixels = pixels
        self.settings = settings
        self.lesson = lesson
        self.parts = lesson.loss.parts
        self.sampler = sampler
        self.accuracy = MulticlassAccuracy(num_classes, average="micro")
        self.means = EpochMeans()
        self.rate = 0.0
        self.epoch_state: dict[str, Any] | None = None

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits of uint8 ``(N, H, W, C)``."""
        logits: Tensor = self.network(self.pixels(pixels))
        return logits

    def on_fit_start(self) -> None:
        torch.set_num_threads(self.settings.threads)  # Lightning sets another number where it starts processes
        for teacher in self.lesson.teachers:
            teacher.to(self.device)

    def on_train_start(self) -> None:
        state, self.epoch_state = self.epoch_state, None
        if state is not None and self.trainer.fit_loop.restarted_mid_epoch:
            self.lesson.start_epoch(self.current_epoch, self.settings.epochs, within=True)
            self.lesson.load_epoch_state(state["lesson"])
            self.means.load_state_dict(state["means"], self.device)
            self.sampler.done = self.means.steps

    def on_train_epoch_start(self) -> None:
        self.lesson.start_epoch(self.current_epoch, self.settings.epochs)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        # Dropout depends on seed, step and process only: Lightning's loaders draw from the generator at other times in a resumed run.
        torch.manual_seed(self.settings.seed * STEP_STRIDE + self.global_step + RANK_STRIDE * self.global_rank)
        pixels, labels = batch
        loss, terms = self.lesson.losses(pixels, self(pixels), labels, self.global_step, len(self.sampler) * self.settings.epochs)
        self.means.add({"train/loss": loss} | {f"terms/{name}": value for name, value in terms.items()})
        return loss

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        self.rate = float(optimizer.param_groups[0]["lr"])

    def on_train_epoch_end(self) -> None:
        measured = self.means.take() | {f"weights/{name}": value for name, value in self.lesson.metrics().items()} | {"train/lr": self.rate}
        self.log_dict(measured, logger=False)
        row = {name: float(value) for name, value in self.trainer.callback_metrics.items()} | measured | {"epoch": float(self.current_epoch)}
        for logger in self.trainer.loggers:  # by hand, since Lightning logs an epoch after its checkpoint is written
            logger.log_metrics(row, self.global_step - 1)

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        pixels, labels = batch
        self.accuracy(self(pixels), labels)
        self.log("val/accuracy", self.accuracy, on_step=False, on_epoch=True, prog_bar=True, logger=False, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        trained = nn.ModuleList([self.network, self.parts]) if len(self.parts) else self.network
        optimiser = build_optimiser(trained, self.settings)
        self.lesson.attach(optimiser)
        scheduler = build_schedule(optimiser, self.settings, len(self.sampler))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self.means.steps:
            checkpoint[EPOCH_STATE] = {"means": self.means.state_dict(), "lesson": self.lesson.epoch_state()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.epoch_state = checkpoint.get(EPOCH_STATE)
