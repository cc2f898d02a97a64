"""Draw the loss on a plane through a checkpoint's weights."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.flows.figures.landscape import contour_figure, surface_figure
from xnorflow.flows.figures.style import check_format, drawing, write_figure
from xnorflow.flows.landscape_points import PointStore, json_number
from xnorflow.qat.checkpoint import CheckpointInfo, check_images, load_checkpoint
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.module import evaluation_loader
from xnorflow.qat.data.sources import open_split
from xnorflow.qat.data.split import Split
from xnorflow.qat.landscape import Moved, Plane, coordinates, filter_normalised, mean_loss, moved_weights
from xnorflow.qat.pixel_table import PixelTable

RECORD = "landscape.json"
FORMAT = 1
SECONDS_BETWEEN_REPORTS = 10.0
HALVES, DEVICES = ("train", "test"), ("cpu", "cuda")
SEEDS = 1 << 32
Say = Callable[[str], None]


@dataclass(frozen=True)
class LandscapeSettings:
    """What decides the losses of a landscape.

    Attributes:
        steps: points along each direction, odd; the middle one is the checkpoint.
        reach: farthest coordinate; 1 moves each filter by its own length.
        images: how many, drawn by the seed; all of the split where it has fewer.
        seed: of the images and of both directions.
        split: ``train``, without augmentation, or ``test``.
        moved: ``all`` convolutions and matrices, or the ``binary`` layers' alone.
        device: ``cpu`` or ``cuda``.
    """

    steps: int = 21
    reach: float = 1.0
    images: int = 1000
    seed: int = 0
    split: str = "train"
    moved: str = "all"
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, known in (("split", HALVES), ("moved", tuple(Moved)), ("device", DEVICES)):
            if getattr(self, name) not in known:
                raise BadInputError(f"{name} {getattr(self, name)!r} is not known; known are {', '.join(known)}")
        if self.images < 1:
            raise BadInputError(f"{self.images} images: one or more are needed")
        if not 0 <= self.seed < SEEDS:
            raise BadInputError(f"seed {self.seed} is not in 0 .. {SEEDS - 1}")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise BadInputError("device cuda: PyTorch finds no GPU; cpu is accepted")


@dataclass(frozen=True)
class LandscapeResult:
    """What was computed and drawn.

    Attributes:
        checkpoint: the file.
        data: spec of the data set.
        images: over which the loss is averaged.
        points: of the grid.
        computed: of them in this run; the others were there.
        centre: the checkpoint's own loss, cross-entropy in nats.
        least, greatest: finite losses of the grid.
        pictures: seen from above, and as a surface.
        record: JSON file with all of it.
    """

    checkpoint: Path
    data: str
    images: int
    points: int
    computed: int
    centre: float
    least: float
    greatest: float
    pictures: tuple[Path, ...]
    record: Path

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        paths = {"checkpoint": str(self.checkpoint), "record": str(self.record), "pictures": [str(picture) for picture in self.pictures]}
        return dataclasses.asdict(self) | paths | {"centre": json_number(self.centre)}


def landscape(
    checkpoint: Path,
    out: Path,
    settings: LandscapeSettings | None = None,
    *,
    data: str | None = None,
    file_format: str = "png",
    progress: Say | None = None,
) -> LandscapeResult:
    """Compute the loss of ``checkpoint`` on a grid and draw it; points that ``out`` holds already are not computed again.

    The moved weights are those the optimiser moves: of a binary layer the latent ones, whose signs the forward pass takes. Batch
    norms are in evaluation mode, with the checkpoint's own statistics at every point.

    Args:
        checkpoint: file that ``train`` wrote.
        out: folder, made if missing, for ``settings.json``, ``landscape.csv`` (a line as soon as a point is finished),
            ``landscape.json`` and the pictures.
        settings: the grid.
        data: data set; None for the one it was trained on.
        file_format: of the pictures, ``png`` or ``svg``.
        progress: told how far it is.

    Raises:
        BadInputError: the checkpoint, the data or a setting cannot be used, or ``out`` holds points of other settings.
    """
    check_format(file_format)
    chosen = settings or LandscapeSettings()
    axis = coordinates(chosen.reach, chosen.steps)
    info, network = load_checkpoint(checkpoint)
    spec = info.data if data is None else data
    split = _images(spec, info, checkpoint, chosen, progress)
    weights = moved_weights(network, Moved(chosen.moved))
    identity = {"checkpoint_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest(), "data_sha256": split.digest(), "batch_norm": "evaluation"}
    described = {"format": FORMAT} | identity | dataclasses.asdict(chosen) | {"images": len(split)}
    store = PointStore(out, described, axis)
    loss = _objective(network.to(chosen.device), info, split, torch.device(chosen.device))
    generator = torch.Generator().manual_seed(chosen.seed)
    plane = Plane(weights, filter_normalised(weights, generator), filter_normalised(weights, generator))
    computed = _compute(store, plane, loss, progress)
    return _drawn(store, described, checkpoint, spec, out, file_format, computed)


def _images(spec: str, info: CheckpointInfo, checkpoint: Path, chosen: LandscapeSettings, progress: Say | None) -> Split:
    """The images over which the loss is averaged."""
    opened = open_split(spec, "train" if chosen.split == "train" else "test", info.view, progress, limit=chosen.images, seed=chosen.seed)
    split = opened.loaded(progress) if isinstance(opened, FileSplit) else opened
    check_images(checkpoint, info, spec, split.input_shape, split.classes)
    return split


def _objective(network: nn.Module, info: CheckpointInfo, split: Split, device: torch.device) -> Callable[[], float]:
    """The mean loss over the images with the weights of the moment."""
    pixels = PixelTable(info.pixel_norm, split.input_shape[0]).to(device)
    batches = [(images.to(device), labels.to(device)) for images, labels in evaluation_loader(split)]
    return lambda: mean_loss(network, ((pixels(images), labels) for images, labels in batches))


def _compute(store: PointStore, plane: Plane, loss: Callable[[], float], progress: Say | None) -> int:
    """Compute the points that are missing; returns how many they were."""
    size = len(store.axis)
    missing = [(row, column) for row in range(size) for column in range(size) if (row, column) not in store.losses]
    say = progress or (lambda _: None)
    say(f"{size * size} points, {size * size - len(missing)} of them there already")
    begin = reported = time.monotonic()
    with plane:
        for done, (row, column) in enumerate(missing, 1):
            plane.move(store.axis[column], store.axis[row])
            store.add(row, column, loss())
            now = time.monotonic()
            if now - reported > SECONDS_BETWEEN_REPORTS:
                reported = now
                say(f"point {done} of {len(missing)}, about {(now - begin) / done * (len(missing) - done):.0f} s left")
    return len(missing)


def _drawn(store: PointStore, described: dict[str, Any], checkpoint: Path, spec: str, out: Path, file_format: str, computed: int) -> LandscapeResult:
    size = len(store.axis)
    losses = np.array([[store.losses[row, column] for column in range(size)] for row in range(size)])
    finite = losses[np.isfinite(losses)]
    if not finite.size:
        raise BadInputError(f"{checkpoint}: no point of the plane has a finite loss, so there is nothing to draw")
    half = "training" if described["split"] == "train" else "test"
    title = (
        f"Loss around {checkpoint.name}: {described['images']:,} {half} images, {described['moved']} weights moved\n"
        f"filter-normalised directions, seed {described['seed']}; batch norm in evaluation mode"
    )
    with drawing():
        figures = {"contour": contour_figure(np.array(store.axis), losses, title), "surface": surface_figure(np.array(store.axis), losses, title)}
        pictures = tuple(write_figure(figure, out / f"{name}.{file_format}") for name, figure in figures.items())
    result = LandscapeResult(
        checkpoint=checkpoint,
        data=spec,
        images=described["images"],
        points=size * size,
        computed=computed,
        centre=float(losses[size // 2, size // 2]),
        least=float(finite.min()),
        greatest=float(finite.max()),
        pictures=pictures,
        record=out / RECORD,
    )
    grid = {"axis": store.axis, "losses": [[json_number(value) for value in row] for row in losses.tolist()]}
    unfinished = out / f"{RECORD}.unfinished"
    unfinished.write_text(json.dumps(result.to_json() | {"settings": described} | grid, allow_nan=False) + "\n")
    unfinished.replace(result.record)
    return result
