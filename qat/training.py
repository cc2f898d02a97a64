"""Run one training: data, network, Lightning's loop, checkpoint."""

from __future__ import annotations

import dataclasses
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models import ModelConfig, build_config, lookup
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import RECORD, CheckpointInfo, check_resumable
from xnorflow.qat.classifier import BinaryClassifier
from xnorflow.qat.data.module import ImageData, evaluation_loader
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.data.split import Split
from xnorflow.qat.freeze import freeze
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import Recipe

CHECKPOINT_NAME = "last"


@dataclass(frozen=True)
class Training:
    """A finished (or, with ``stop_after``, interrupted) training.

    Attributes:
        checkpoint: the file.
        accuracy: share of the test images that the *frozen* network, the one that is exported, gets right.
        epochs: epochs trained so far.
        train_images, test_images: sizes of the splits used.
    """

    checkpoint: Path
    accuracy: float
    epochs: int
    train_images: int
    test_images: int


def run_training(
    recipe: Recipe,
    out: Path,
    *,
    resume: Path | None = None,
    stop_after: int | None = None,
    progress_bar: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Training:
    """Train as the recipe says; write ``out/last.ckpt`` after every epoch and TensorBoard logs under ``out/logs``.

    Args:
        recipe: what to train.
        out: folder, made if missing.
        resume: checkpoint to go on from; the weights become those of an uninterrupted run.
        stop_after: stop when this many epochs are done; the schedule stays that of the recipe's epochs.
        progress_bar: show a bar on the terminal.
        progress: told about slow work in words.

    Raises:
        BadInputError: data, folder, checkpoint or settings cannot be used, or the training diverged.
    """
    data_settings, settings = recipe.data, recipe.train
    train_split, test_split = _splits(recipe, progress)
    info = describe(recipe, train_split)
    if resume is not None:
        check_resumable(resume, info)
    lightning.seed_everything(settings.seed, verbose=False)
    data = ImageData(train_split, test_split, batch_size=settings.batch_size, seed=settings.seed, crop=data_settings.crop, flip=data_settings.flip)
    network = quantise(build_config(info.config), info.scheme)
    module = BinaryClassifier(
        network,
        PixelTable(info.pixel_norm, train_split.input_shape[0]),
        settings,
        steps_per_epoch=len(data.sampler),
        num_classes=info.config.num_classes,
    )
    keeper = _RecordKeeper(info)
    trainer = _trainer(recipe, out, keeper, stop_after, progress_bar)
    with quiet_lightning(), cpu_threads(settings.threads):
        trainer.fit(module, datamodule=data, ckpt_path=None if resume is None else str(resume), weights_only=True)
        keeper.info = dataclasses.replace(info, accuracy=accuracy(network, info.pixel_norm, test_split))
        path = out / f"{CHECKPOINT_NAME}.ckpt"
        trainer.save_checkpoint(path)
    assert keeper.info.accuracy is not None
    return Training(path, keeper.info.accuracy, trainer.current_epoch, len(train_split), len(test_split))


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """PyTorch computes with ``count`` threads inside, with as many as before outside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def describe(recipe: Recipe, train: Split) -> CheckpointInfo:
    """What a checkpoint of this recipe on these images says about itself."""
    model = recipe.model
    config = ModelConfig(
        name=model.name,
        input_shape=train.input_shape,
        num_classes=len(train.classes),
        width=model.width,
        padding_value=model.padding_value,
        weight_bits=model.weight_bits,
        act_bits=model.act_bits,
        input_bits=lookup(model.name).input_bits if model.input_bits is None else model.input_bits,
        dropout=model.dropout,
        options=model.options,
    )
    return CheckpointInfo(config, recipe.quant, recipe.data.source, recipe.data.pixel_norm(), train.classes, recipe.train)


def accuracy(network: nn.Module, pixel_norm: PixelNorm, split: Split) -> float:
    """Share of the images that the frozen form of ``network`` gets right."""
    frozen = freeze(network.cpu())
    pixels = PixelTable(pixel_norm, split.input_shape[0])
    correct = 0
    with torch.no_grad():
        for images, labels in evaluation_loader(split):
            correct += int((frozen(pixels(images)).argmax(1) == labels).sum())
    return correct / len(split)


def _splits(recipe: Recipe, progress: Callable[[str], None] | None) -> tuple[Split, Split]:
    settings = recipe.data
    train, test = load_split(settings.source, "train", progress), load_split(settings.source, "test", progress)
    if train.input_shape != test.input_shape:
        raise BadInputError(f"data {settings.source}: training images are {train.input_shape}, test images {test.input_shape}")
    if settings.limit_train is not None:
        train = train.shuffled(recipe.train.seed).head(settings.limit_train)
    return train, test


class _RecordKeeper(Callback):
    """Puts our own record into every checkpoint Lightning writes."""

    def __init__(self, info: CheckpointInfo) -> None:
        self.info = info

    def on_save_checkpoint(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint[RECORD] = self.info.to_record()


def _trainer(recipe: Recipe, out: Path, keeper: _RecordKeeper, stop_after: int | None, progress_bar: bool) -> lightning.Trainer:
    settings = recipe.train
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"{out} cannot be made: {error.strerror}") from error
    if not os.access(out, os.W_OK):
        raise BadInputError(f"{out} cannot be written")
    callbacks: list[Callback] = [keeper, ModelCheckpoint(out, filename=CHECKPOINT_NAME, enable_version_counter=False)]
    if progress_bar:
        callbacks.append(RichProgressBar())
    with quiet_lightning():
        return lightning.Trainer(
            default_root_dir=out,
            accelerator="auto",
            devices=1,
            max_epochs=settings.epochs if stop_after is None else min(stop_after, settings.epochs),
            deterministic=True,
            logger=TensorBoardLogger(out, name="logs"),
            callbacks=callbacks,
            enable_progress_bar=progress_bar,
            enable_model_summary=False,
            check_val_every_n_epoch=settings.validate_every,
            num_sanity_val_steps=0,
            log_every_n_steps=1,
        )


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's hints about data-loader workers and devices: the images are in memory, and we chose the device."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except SystemExit as stop:  # Lightning's way to end on Ctrl-C, with the exit code of a failed check
        raise KeyboardInterrupt from stop
    finally:
        logger.setLevel(level)
