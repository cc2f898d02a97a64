"""Run a recipe: data, and for each stage network, teachers, Lightning's loop, checkpoint."""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
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
from xnorflow.qat.binarisers.schedule import soft_parts
from xnorflow.qat.checkpoint import RECORD, CheckpointInfo, check_resumable, load_checkpoint, stage_of
from xnorflow.qat.classifier import BinaryClassifier
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.module import ImageData, evaluation_loader
from xnorflow.qat.data.sources import open_split
from xnorflow.qat.data.split import Split
from xnorflow.qat.freeze import evaluation_form
from xnorflow.qat.inherit import inherit
from xnorflow.qat.lesson import Lesson
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import FINAL_STAGE, Recipe, Stage
from xnorflow.qat.teacher_group import load_teachers
from xnorflow.qat.train_settings import TrainSettings


@dataclass(frozen=True)
class Training:
    """A finished (or, with ``stop_after``, interrupted) training.

    Attributes:
        checkpoint: the file.
        accuracy: share of the test images that the *frozen* network, the one that is exported, gets right; None where the
            training was interrupted before its weights were binary.
        epochs: epochs trained so far in the last stage that was begun.
        train_images, test_images: sizes of the splits used.
    """

    checkpoint: Path
    accuracy: float | None
    epochs: int
    train_images: int
    test_images: int


@dataclass(frozen=True)
class _Run:
    """What the stages of one training share."""

    recipe: Recipe
    out: Path
    train: Split | FileSplit
    test: Split | FileSplit
    progress_bar: bool
    progress: Callable[[str], None] | None

    def file(self, stage: str) -> Path:
        """Checkpoint of a stage that is done, or of the last one."""
        return self.out / f"{stage}.ckpt"


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

    A stage before the last leaves its own checkpoint, ``out/<name>.ckpt``.

    Args:
        recipe: what to train.
        out: folder, made if missing.
        resume: checkpoint to go on from; the weights become those of an uninterrupted run. Those of the stages before it lie
            in the same folder.
        stop_after: stop when this many epochs of all stages are done; the schedule stays that of the recipe's epochs.
        progress_bar: show a bar on the terminal.
        progress: told about slow work in words.

    Raises:
        BadInputError: data, folder, checkpoint or settings cannot be used, or the training diverged.
        UnsupportedModelError: the training is over and its weights are not binary.
    """
    train_split, test_split = _splits(recipe, progress)
    run = _Run(recipe, out, train_split, test_split, progress_bar, progress)
    stages = recipe.chain()
    begin = 0 if resume is None else _resumed_stage(stages, resume, run)
    _make(out)
    if resume is not None:
        _bring_earlier(stages[:begin], resume, run)
    left = math.inf if stop_after is None else stop_after - sum(stage.train.epochs for stage in stages[:begin])
    for index, stage in enumerate(stages[begin:], begin):
        if progress and len(stages) > 1:
            progress(f"stage {index + 1} of {len(stages)}, {recipe.stages[index].name}: {stage.train.epochs} epochs")
        done = _train_stage(run, stage, resume if index == begin else None, left)
        left -= stage.train.epochs
        if left <= 0:
            break
    return done


def _train_stage(run: _Run, stage: Stage, resume: Path | None, left: float) -> Training:
    settings = stage.train
    info = describe(run.recipe, run.train, stage)
    lightning.seed_everything(settings.seed, verbose=False)
    data = ImageData(run.train, run.test, batch_size=settings.batch_size, seed=settings.seed, settings=run.recipe.data)
    network = _network(info, run)
    lesson = Lesson(
        network,
        stage.method,
        weight=stage.quant.weight,
        loss=settings.loss,
        teachers=load_teachers(stage.method, info, run.file, run.test, run.progress),
        tell=run.progress,
    )
    pixels = PixelTable(info.pixel_norm, run.train.input_shape[0])
    module = BinaryClassifier(network, pixels, settings, lesson, steps_per_epoch=len(data.sampler), num_classes=info.config.num_classes)
    keeper = _RecordKeeper(info)
    epochs = int(min(left, settings.epochs))
    trainer = _trainer(settings, run, keeper, epochs)
    last = run.file(FINAL_STAGE)
    with quiet_lightning(), cpu_threads(settings.threads):
        trainer.fit(module, datamodule=data, ckpt_path=None if resume is None else str(resume), weights_only=True)
        lesson.finish(epochs, settings.epochs)
        if stage.name == FINAL_STAGE and (epochs == settings.epochs or not soft_parts(network)):
            keeper.info = dataclasses.replace(info, accuracy=accuracy(network, info.pixel_norm, run.test))
        trainer.save_checkpoint(last)
        if epochs == settings.epochs and stage.name != FINAL_STAGE:
            trainer.save_checkpoint(run.file(stage.name))
    return Training(last, keeper.info.accuracy, trainer.current_epoch, len(run.train), len(run.test))


def _network(info: CheckpointInfo, run: _Run) -> nn.Module:
    """The stage's network as it starts: random, or with the weights of an earlier stage."""
    network = quantise(build_config(info.config), info.scheme)
    if info.method.start is not None:
        inherit(network, load_checkpoint(run.file(info.method.start))[1])
    return network


def _resumed_stage(stages: Sequence[Stage], resume: Path, run: _Run) -> int:
    """Index of the stage that wrote the checkpoint; refuses one of another recipe."""
    names, found = [stage.name for stage in stages], stage_of(resume)
    if found not in names:
        raise BadInputError(f"{resume} was written in stage {found}; the recipe's stages are {', '.join(names)}")
    check_resumable(resume, describe(run.recipe, run.train, stages[names.index(found)]))
    return names.index(found)


def _bring_earlier(stages: Sequence[Stage], resume: Path, run: _Run) -> None:
    """Have the checkpoints of earlier stages in the run's folder, taken from beside ``resume``."""
    for stage in stages:
        source = resume.parent / f"{stage.name}.ckpt"
        check_resumable(source, describe(run.recipe, run.train, stage))
        if resume.parent.resolve() != run.out.resolve():
            shutil.copyfile(source, run.file(stage.name))


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """PyTorch computes with ``count`` threads inside, with as many as before outside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def describe(recipe: Recipe, train: Split | FileSplit, stage: Stage | None = None) -> CheckpointInfo:
    """What a checkpoint of a stage of this recipe, the last one by default, on these images says about itself."""
    stage = stage or recipe.chain()[-1]
    model, data = stage.model, recipe.data
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
    return CheckpointInfo(config, stage.quant, data.source, data.pixel_norm(), train.classes, stage.train, method=stage.method, stage=stage.name)


def accuracy(network: nn.Module, pixel_norm: PixelNorm, split: Split | FileSplit) -> float:
    """Share of the images that :func:`~xnorflow.qat.freeze.evaluation_form` of ``network`` gets right."""
    judged = evaluation_form(network.cpu())
    pixels = PixelTable(pixel_norm, split.input_shape[0])
    correct = 0
    with torch.no_grad():
        for images, labels in evaluation_loader(split):
            correct += int((judged(pixels(images)).argmax(1) == labels).sum())
    return correct / len(split)


def _splits(recipe: Recipe, progress: Callable[[str], None] | None) -> tuple[Split | FileSplit, Split | FileSplit]:
    data, seed = recipe.data, recipe.train.seed
    train = open_split(data.source, "train", data.view(), progress, limit=data.limit_train, seed=seed)
    test = open_split(data.source, "test", data.view(), progress)
    if train.input_shape != test.input_shape:
        raise BadInputError(f"data {data.source}: training images are {train.input_shape}, test images {test.input_shape}")
    return train, test


class _RecordKeeper(Callback):
    """Puts our own record into every checkpoint Lightning writes."""

    def __init__(self, info: CheckpointInfo) -> None:
        self.info = info

    def on_save_checkpoint(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]) -> None:
        checkpoint[RECORD] = self.info.to_record()


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"{out} cannot be made: {error.strerror}") from error
    if not os.access(out, os.W_OK):
        raise BadInputError(f"{out} cannot be written")


def _trainer(settings: TrainSettings, run: _Run, keeper: _RecordKeeper, epochs: int) -> lightning.Trainer:
    callbacks: list[Callback] = [keeper, ModelCheckpoint(run.out, filename=FINAL_STAGE, enable_version_counter=False)]
    if run.progress_bar:
        callbacks.append(RichProgressBar())
    with quiet_lightning():
        return lightning.Trainer(
            default_root_dir=run.out,
            accelerator="auto",
            devices=1,
            max_epochs=epochs,
            deterministic=True,
            logger=TensorBoardLogger(run.out, name="logs"),
            callbacks=callbacks,
            enable_progress_bar=run.progress_bar,
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
