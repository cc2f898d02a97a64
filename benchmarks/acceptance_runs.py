"""Trainings that the acceptance figures are read from, each done once for a seed."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.recipe import load_recipe
from xnorflow.qat.training import run_training

if TYPE_CHECKING:
    from torch import nn

    from xnorflow.pixels import PixelNorm
    from xnorflow.qat.recipe import Recipe, Stage
    from xnorflow.qat.training import Training

RECIPES = Path(__file__).parent / "acceptance"


def recipe_of(name: str, *settings: str) -> Recipe:
    """The recipe ``name`` of ``acceptance/``, or a shipped one."""
    path = RECIPES / f"{name}.yaml"
    return load_recipe(path if path.is_file() else name, list(settings))


def stages_of(name: str) -> tuple[Stage, ...]:
    """Its stages."""
    return recipe_of(name).chain()


@dataclass(frozen=True)
class Run:
    """A training and what it left.

    Attributes:
        folder: with its checkpoints and logs.
        done: what ``run_training`` returned.
        told: what it said meanwhile.
    """

    folder: Path
    done: Training
    told: tuple[str, ...]

    def curve(self, stage: str, column: str) -> list[float]:
        """A column of the log of a stage, one value for each epoch."""
        with (self.folder / "logs" / stage / "metrics.csv").open(encoding="utf-8", newline="") as lines:
            return [float(row[column]) for row in csv.DictReader(lines) if row[column]]

    def checkpoint(self, stage: str = "last") -> Path:
        """The file of a stage."""
        return self.folder / f"{stage}.ckpt"

    @property
    def pixel_norm(self) -> PixelNorm:
        """Normalisation of the images."""
        return load_checkpoint(self.checkpoint())[0].pixel_norm

    def network(self, stage: str = "last") -> nn.Module:
        """A stage's network, as trained, in evaluation mode."""
        return load_checkpoint(self.checkpoint(stage))[1].eval()


@dataclass
class Runs:
    """Trains recipes of this folder (or shipped ones) into ``folder`` and remembers what it has trained.

    Attributes:
        folder: for all runs.
    """

    folder: Path
    known: dict[tuple[object, ...], Run] = field(default_factory=dict)

    def train(self, name: str, seed: int, *settings: str, pause: int | None = None) -> Run:
        """The training of recipe ``name`` with ``seed`` and ``settings``; those of the same arguments are one.

        Args:
            name: of a file in ``acceptance/``, or of a shipped recipe.
            seed: of everything random.
            settings: overrides.
            pause: stop after so many epochs, keep the checkpoint as that of stage ``paused``, and resume.
        """
        key = (name, seed, settings, pause)
        if key not in self.known:
            recipe = recipe_of(name, f"train.seed={seed}", *settings)
            out = self.folder / str(len(list(self.folder.glob("*"))))  # a run that is refused at its end leaves its folder
            told: list[str] = []
            begun = None
            if pause is not None:
                begun = run_training(recipe, out, stop_after=pause, progress=told.append).checkpoint
                shutil.copyfile(begun, out / "paused.ckpt")
            self.known[key] = Run(out, run_training(recipe, out, resume=begun, progress=told.append), tuple(told))
        return self.known[key]
