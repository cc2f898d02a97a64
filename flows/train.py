"""Train a network from a recipe."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_OUT = Path("out/train")


@dataclass(frozen=True)
class TrainResult:
    """What a training gave.

    Attributes:
        checkpoint: file for ``evaluate``, ``export`` and ``resume``.
        recipe: name or file it came from.
        data: spec of the data set.
        accuracy: of the frozen network on all test images, between 0 and 1; None where a training was interrupted before it was binary.
        epochs: epochs trained.
        train_images, test_images: sizes of the splits used.
        seconds: wall clock, data loading included.
        first: whether this is the first of the processes that trained, which speaks for all.
    """

    checkpoint: Path
    recipe: str
    data: str
    accuracy: float | None
    epochs: int
    train_images: int
    test_images: int
    seconds: float
    first: bool = True

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        figures = dataclasses.asdict(self) | {"checkpoint": str(self.checkpoint)}
        del figures["first"]
        return figures

    def measured(self) -> str:
        """The accuracy in words."""
        return "not binary yet" if self.accuracy is None else f"{100 * self.accuracy:.2f} % on {self.test_images:,} test images"


def train(
    recipe: Path | str,
    out: Path | None = None,
    *,
    overrides: list[str] | None = None,
    data: str | None = None,
    resume: Path | None = None,
    stop_after: int | None = None,
    accelerator: str = "auto",
    devices: int | None = None,
    nodes: int = 1,
    force: bool = False,
    progress_bar: bool = False,
    progress: Callable[[str], None] | None = None,
) -> TrainResult:
    """Train as a recipe says and write ``out/last.ckpt``.

    Args:
        recipe: YAML file, or the name of a shipped recipe.
        out: folder for checkpoints and logs; None for the one that ``resume`` lies in, or :data:`DEFAULT_OUT`.
        overrides: settings such as ``train.epochs=3``.
        data: data set instead of the recipe's, ``mnist=DIR`` for one.
        resume: checkpoint of an interrupted run of the same recipe, or its folder.
        stop_after: stop when this many epochs are done.
        accelerator: ``cpu``, ``gpu`` or ``auto``.
        devices: processes of a machine, which divide each batch; None for one, or under ``torchrun`` for all it started.
        nodes: machines.
        force: replace what another training left in ``out``.
        progress_bar: show a bar on the terminal.
        progress: told about slow work in words.

    Raises:
        BadInputError: the recipe, a setting, the data, the devices, the folder or the checkpoint cannot be used, or the training diverged.
        UnsupportedModelError: the training is over and its weights are not binary.
    """
    from xnorflow.qat.loop.devices import Devices
    from xnorflow.qat.loop.ranks import is_first
    from xnorflow.qat.recipe import load_recipe
    from xnorflow.qat.training import run_training

    start = time.perf_counter()
    settings = [*(overrides or []), *([] if data is None else [f"data.source={data}"])]
    loaded = load_recipe(recipe, settings)
    done = run_training(
        loaded,
        _folder(resume) if out is None else out,
        resume=resume,
        stop_after=stop_after,
        devices=Devices(accelerator, devices, nodes),
        force=force,
        progress_bar=progress_bar,
        progress=progress,
    )
    figures = {field.name: getattr(done, field.name) for field in dataclasses.fields(done)}
    return TrainResult(**figures, recipe=str(recipe), data=loaded.data.source, seconds=time.perf_counter() - start, first=is_first())


def _folder(resume: Path | None) -> Path:
    """Where a run is written that names no folder: where the one lies that it goes on with."""
    if resume is None:
        return DEFAULT_OUT
    return resume.parent if resume.is_file() or resume.suffix == ".ckpt" else resume
