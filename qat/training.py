"""Run a recipe: data, and for each stage network, teachers, Lightning's loop, checkpoint."""

from __future__ import annotations

import copy
import dataclasses
import math
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from xnorflow.errors import BadInputError
from xnorflow.files import UNFINISHED, replacing
from xnorflow.models import ModelConfig, build_config, lookup
from xnorflow.pixels import PixelNorm
from xnorflow.qat.binarisers.schedule import soft_parts
from xnorflow.qat.checkpoint import NETWORK_PREFIX, CheckpointInfo, check_resumable, load_checkpoint, reached
from xnorflow.qat.classifier import BinaryClassifier
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.module import ImageData, evaluation_loader
from xnorflow.qat.data.sources import open_split
from xnorflow.qat.data.split import Split
from xnorflow.qat.freeze import evaluation_form
from xnorflow.qat.inherit import inherit
from xnorflow.qat.lesson import Lesson
from xnorflow.qat.loop.bar import StageBar
from xnorflow.qat.loop.claim import claimed
from xnorflow.qat.loop.devices import Devices
from xnorflow.qat.loop.ema import WeightAverage
from xnorflow.qat.loop.keeper import CheckpointKeeper
from xnorflow.qat.loop.logs import drop_logs, stage_loggers
from xnorflow.qat.loop.provenance import commit
from xnorflow.qat.loop.ranks import is_first, rank_zero_only
from xnorflow.qat.loop.trainer import cpu_threads, make_trainer, quiet_lightning
from xnorflow.qat.loop.watch import DivergenceWatch
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import FINAL_STAGE, Recipe, Stage
from xnorflow.qat.teacher_group import load_teachers


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
    """What the stages of one training share.

    Attributes:
        earlier: checkpoints of stages that another run did, by their names.
    """

    recipe: Recipe
    out: Path
    train: Split | FileSplit
    test: Split | FileSplit
    digests: dict[str, str]
    devices: Devices
    progress_bar: bool
    progress: Callable[[str], None] | None
    earlier: dict[str, Path] = field(default_factory=dict)

    def file(self, stage: str) -> Path:
        """Checkpoint of a stage that is done, or of the last one."""
        return self.earlier.get(stage, self.out / f"{stage}.ckpt")

    def info(self, stage: Stage) -> CheckpointInfo:
        """What a checkpoint of a stage says about itself."""
        return dataclasses.replace(describe(self.recipe, self.train, stage), digests=self.digests, commit=commit())

    def tell(self, text: str) -> None:
        """Words for the user, from the first process only."""
        if self.progress is not None and is_first():
            self.progress(text)


def run_training(
    recipe: Recipe,
    out: Path,
    *,
    resume: Path | None = None,
    stop_after: int | None = None,
    devices: Devices | None = None,
    force: bool = False,
    progress_bar: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Training:
    """Train as the recipe says; write ``out/last.ckpt`` after every epoch, and logs under ``out/logs``.

    A stage before the last leaves its own checkpoint, ``out/<name>.ckpt``. Every file is replaced in one step, so that a
    training that is killed at any moment can be resumed.

    Args:
        recipe: what to train.
        out: folder, made if missing.
        resume: checkpoint to go on from, or the folder of a run; the weights become those of an uninterrupted run. Checkpoints of
            the stages before it lie beside it. A folder without a checkpoint is one whose training was stopped before the
            first: it begins. A finished training is left as it is.
        stop_after: stop when this many epochs of all stages are done; the schedule stays that of the recipe's epochs.
        devices: where to train; None for one device.
        force: replace what another training left in ``out``.
        progress_bar: show a bar on the terminal.
        progress: told about slow work in words.

    Raises:
        BadInputError: data, folder, checkpoint, devices or settings cannot be used, the folder holds another training, or this one diverged.
        UnsupportedModelError: the training is over and its weights are not binary.
    """
    devices = devices or Devices()
    stages = recipe.chain()
    for stage in stages:
        devices.check(stage.train)
    train_split, test_split = _splits(recipe, progress if is_first() else None)
    digests = {"train": train_split.digest(), "test": test_split.digest()}
    run = _Run(recipe, out, train_split, test_split, digests, devices, progress_bar, progress)
    start = None if resume is None else _found(resume, run)
    begin = 0 if start is None else _resumed_stage(stages, start, run)
    if start is not None and (done := reached(start)).finished:
        run.tell(f"{start} is of a finished training: nothing is left to do")
        return Training(start, done.info.accuracy, done.info.train.epochs, len(train_split), len(test_split))
    _make(out)
    with claimed(out):
        if not force and (start is None or start.parent.resolve() != out.resolve()):
            _spare(out)
        _clear(out)
        return _train_stages(run, stages, begin, start, stop_after)


def _spare(out: Path) -> None:
    """Refuse a folder whose checkpoint a new training would replace."""
    last = out / f"{FINAL_STAGE}.ckpt"
    if is_first() and last.exists():
        raise BadInputError(f"{last} is of another training, which --resume {out} goes on with and --force replaces; or name another folder")


def _train_stages(run: _Run, stages: Sequence[Stage], begin: int, start: Path | None, stop_after: int | None) -> Training:
    """The stages from ``begin`` on, the first of them from the checkpoint ``start``."""
    if start is not None:
        _bring_earlier(stages[:begin], start, run)
    left = math.inf if stop_after is None else stop_after - sum(stage.train.epochs for stage in stages[:begin])
    if left < 1:
        raise BadInputError(f"stop_after {stop_after} is behind {start}" if start else f"stop_after {stop_after} is below 1")
    for index, stage in enumerate(stages[begin:], begin):
        title = run.recipe.stages[index].name if len(stages) > 1 else ""
        if title:
            run.tell(f"stage {index + 1} of {len(stages)}, {title}: {stage.train.epochs} epochs")
        try:
            result = _train_stage(run, stage, title, start if index == begin else None, left)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"the training goes on with --resume {run.out}") from None
        left -= stage.train.epochs
        if left <= 0:
            break
    return result


def _train_stage(run: _Run, stage: Stage, title: str, resume: Path | None, left: float) -> Training:
    settings, info, last = stage.train, run.info(stage), run.out / f"{FINAL_STAGE}.ckpt"
    lightning.seed_everything(settings.seed, verbose=False)
    network = _network(info, run)
    epochs = int(min(left, settings.epochs))
    keeper = CheckpointKeeper(last, info, settings.checkpoint_every)
    average = WeightAverage(network, settings.ema, NETWORK_PREFIX) if settings.ema else None
    callbacks: list[Callback] = [DivergenceWatch(title or stage.name, last, settings.precision), keeper, *([average] if average else [])]
    if resume is None:
        drop_logs(run.out, stage.name)
    trainer = make_trainer(
        settings,
        run.devices,
        out=run.out,
        epochs=epochs,
        freezes=stage.method.harden_at is not None,
        callbacks=[*callbacks, *([StageBar(title)] if run.progress_bar else [])],
        loggers=stage_loggers(run.out, stage.name, None if resume is None else reached(resume).step),
        progress_bar=run.progress_bar,
    )
    module, data = _module(run, stage, network, trainer)
    with quiet_lightning(), cpu_threads(settings.threads):
        trainer.fit(module, datamodule=data, ckpt_path=None if resume is None else str(resume), weights_only=True)
        module.lesson.finish(epochs, settings.epochs)
        if stage.name == FINAL_STAGE and (epochs == settings.epochs or not soft_parts(network)):
            with average.in_place() if average else nullcontext():
                keeper.info = dataclasses.replace(keeper.info, accuracy=_final_accuracy(network, info.pixel_norm, run.test, trainer))
        keeper.save(trainer, last)
        if epochs == settings.epochs and stage.name != FINAL_STAGE:
            keeper.save(trainer, run.file(stage.name))
    return Training(last, keeper.info.accuracy, trainer.current_epoch, len(run.train), len(run.test))


def _module(run: _Run, stage: Stage, network: nn.Module, trainer: lightning.Trainer) -> tuple[BinaryClassifier, ImageData]:
    """What the trainer of a stage fits, and to which images."""
    settings, info = stage.train, run.info(stage)
    data = ImageData(
        run.train,
        run.test,
        batch_size=settings.batch_size,
        seed=settings.seed,
        settings=stage.data,
        rank=trainer.global_rank,
        ranks=trainer.world_size,
    )
    lesson = Lesson(
        network,
        stage.method,
        weight=stage.quant.weight,
        loss=settings.loss,
        teachers=load_teachers(stage.method, info, run.file, run.test, run.tell),
        tell=run.tell,
    )
    pixels = PixelTable(info.pixel_norm, run.train.input_shape[0])
    module = BinaryClassifier(network, pixels, settings, lesson, sampler=data.sampler, num_classes=info.config.num_classes)
    return module, data


def _network(info: CheckpointInfo, run: _Run) -> nn.Module:
    """The stage's network as it starts: random, or with the weights of an earlier stage."""
    network = quantise(build_config(info.config), info.scheme)
    if info.method.start is not None:
        inherit(network, load_checkpoint(run.file(info.method.start))[1])
    return network


def _found(place: Path, run: _Run) -> Path | None:
    """The checkpoint to go on from: ``place`` itself, or the one in the folder ``place``; None where there is none yet."""
    if place.is_file() or place.suffix == ".ckpt":
        return place
    file = place / f"{FINAL_STAGE}.ckpt"
    if file.is_file():
        return file
    run.tell(f"{place} holds no checkpoint yet: the training begins")
    return None


def _resumed_stage(stages: Sequence[Stage], resume: Path, run: _Run) -> int:
    """Index of the stage that wrote the checkpoint; refuses one of another recipe or of other images."""
    names, found = [stage.name for stage in stages], reached(resume).info.stage
    if found not in names:
        raise BadInputError(f"{resume} was written in stage {found}; the recipe's stages are {', '.join(names)}")
    check_resumable(resume, run.info(stages[names.index(found)]))
    return names.index(found)


def _bring_earlier(stages: Sequence[Stage], resume: Path, run: _Run) -> None:
    """Have the checkpoints of earlier stages in the run's folder, taken from beside ``resume``."""
    for stage in stages:
        source = resume.parent / f"{stage.name}.ckpt"
        check_resumable(source, run.info(stage))
        if resume.parent.resolve() != run.out.resolve():
            _copy(source, run.file(stage.name))
            run.earlier[stage.name] = source


@rank_zero_only
def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reader, replacing(target) as writer:
        shutil.copyfileobj(reader, writer)


def describe(recipe: Recipe, train: Split | FileSplit, stage: Stage | None = None) -> CheckpointInfo:
    """What a checkpoint of a stage of this recipe, the last one by default, on these images says about itself."""
    stage = stage or recipe.chain()[-1]
    model, data = stage.model, stage.data
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
    return CheckpointInfo(
        config,
        stage.quant,
        data.source,
        data.pixel_norm(),
        train.classes,
        stage.train,
        method=stage.method,
        stage=stage.name,
        view=data.view(),
        augment=data.pipeline().lines,
    )


def accuracy(network: nn.Module, pixel_norm: PixelNorm, split: Split | FileSplit) -> float:
    """Share of the images that :func:`~xnorflow.qat.freeze.evaluation_form` of ``network`` gets right."""
    return _share(right_images(network, pixel_norm, split))


def right_images(network: nn.Module, pixel_norm: PixelNorm, split: Split | FileSplit) -> Tensor:
    """Which images :func:`~xnorflow.qat.freeze.evaluation_form` of ``network`` gets right, bool ``(N,)``."""
    return _right(evaluation_form(network.cpu()), pixel_norm, split)


def _final_accuracy(network: nn.Module, pixel_norm: PixelNorm, split: Split | FileSplit, trainer: lightning.Trainer) -> float | None:
    """Accuracy of a trained network, which the first process measures; every process refuses what is not binary."""
    judged = evaluation_form(copy.deepcopy(network.cpu()).float())
    return _share(_right(judged, pixel_norm, split)) if trainer.is_global_zero else None


def _right(judged: nn.Module, pixel_norm: PixelNorm, split: Split | FileSplit) -> Tensor:
    pixels = PixelTable(pixel_norm, split.input_shape[0])
    with torch.no_grad():
        return torch.cat([judged(pixels(images)).argmax(1) == labels for images, labels in evaluation_loader(split)])


def _share(right: Tensor) -> float:
    return int(right.sum()) / len(right)


def _splits(recipe: Recipe, progress: Callable[[str], None] | None) -> tuple[Split | FileSplit, Split | FileSplit]:
    data, seed = recipe.data, recipe.train.seed
    train = open_split(data.source, "train", data.view(), progress, limit=data.limit_train, seed=seed)
    test = open_split(data.source, "test", data.view(), progress)
    if train.input_shape != test.input_shape:
        raise BadInputError(f"data {data.source}: training images are {train.input_shape}, test images {test.input_shape}")
    return train, test


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"{out} cannot be made: {error.strerror}") from error
    if not os.access(out, os.W_OK):
        raise BadInputError(f"{out} cannot be written")


def _clear(out: Path) -> None:
    """Remove what a killed training was about to write."""
    if is_first():
        for left_over in out.glob(f"*{UNFINISHED}"):
            left_over.unlink()
