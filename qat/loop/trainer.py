"""Lightning's trainer for one stage, without its talk."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from xnorflow.errors import BadInputError
from xnorflow.qat.loop.atomic import AtomicCheckpoints
from xnorflow.qat.loop.devices import Devices
from xnorflow.qat.loop.sync_norm import GlobalBatchNorm
from xnorflow.qat.train_settings import TrainSettings


def make_trainer(
    settings: TrainSettings,
    devices: Devices,
    *,
    out: Path,
    epochs: int,
    freezes: bool,
    callbacks: Sequence[Callback],
    loggers: Sequence[Logger],
    progress_bar: bool,
) -> lightning.Trainer:
    """The trainer of one stage.

    Args:
        settings: precision, clipping, validation.
        devices: where it runs.
        out: folder of the run.
        epochs: where it stops.
        freezes: parameters stop learning on the way.
        callbacks: in order.
        loggers: in order.
        progress_bar: whether one of the callbacks is a bar.

    Raises:
        BadInputError: Lightning cannot use the devices.
    """
    try:
        with quiet_lightning():
            trainer = lightning.Trainer(
                default_root_dir=out,
                accelerator=devices.accelerator,
                devices=devices.count(),
                num_nodes=devices.nodes,
                strategy=devices.strategy(freezes),
                precision=settings.precision,  # type: ignore[arg-type]  # Lightning lists the names as literals
                plugins=[AtomicCheckpoints(), *([GlobalBatchNorm()] if settings.sync_batchnorm else [])],
                gradient_clip_val=settings.gradient_clip or None,
                max_epochs=epochs,
                deterministic=True,
                logger=list(loggers),
                callbacks=list(callbacks),
                use_distributed_sampler=False,
                enable_progress_bar=progress_bar,
                enable_model_summary=False,
                check_val_every_n_epoch=settings.validate_every,
                num_sanity_val_steps=0,
                log_every_n_steps=1,
            )
            environment = getattr(trainer.strategy, "cluster_environment", None)
            if environment is not None:
                environment.validate_settings(num_devices=devices.count(), num_nodes=devices.nodes)
            return trainer
    except (MisconfigurationException, ValueError, RuntimeError) as error:
        raise BadInputError(f"{devices.count()} devices of {devices.nodes} nodes: {' '.join(str(error).split())}") from error


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """PyTorch computes with ``count`` threads inside, with as many as before outside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's hints about data-loader workers and devices: the images are in memory, and we chose the device."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except SystemExit as stop:  # Lightning's way to end on Ctrl-C, with the exit code of a failed check
        raise KeyboardInterrupt from stop
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
