"""Draw what a training made and logged."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from xnorflow.flows.run_logs import Curve
    from xnorflow.qat.weight_statistics import LayerWeights


@dataclass(frozen=True)
class LayerFigures:
    """What a layer's histogram comes to.

    Attributes:
        stage: whose checkpoint it is of.
        name: of the layer.
        binary: whether the forward pass makes its weights -1 and +1.
        weights: how many.
        kurtosis: of them, or of the latent ones; None where all are equal.
        cosine: between them and their signs.
    """

    stage: str
    name: str
    binary: bool
    weights: int
    kurtosis: float | None
    cosine: float


@dataclass(frozen=True)
class PlotResult:
    """What was drawn.

    Attributes:
        source: checkpoint or folder.
        pictures: files, in the order in which they were drawn.
        layers: that were drawn, of every checkpoint, in order.
        logged: names of the quantities whose curves were drawn, by stage.
    """

    source: Path
    pictures: tuple[Path, ...]
    layers: tuple[LayerFigures, ...]
    logged: dict[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return dataclasses.asdict(self) | {"source": str(self.source), "pictures": [str(picture) for picture in self.pictures]}


def plot(source: Path, out: Path, *, file_format: str = "png", progress: Callable[[str], None] | None = None) -> PlotResult:
    """Draw weight histograms, kurtosis and curves; files of the same names are replaced.

    For each stage ``STAGE-weights``, ``STAGE-kurtosis`` (of its checkpoint) and ``STAGE-curves`` (of its logs).

    Args:
        source: a checkpoint, or a folder that ``train`` wrote; beside a checkpoint its own stage's logs are looked for.
        out: folder for the pictures, made if missing.
        file_format: ``png`` or ``svg``.
        progress: told about every picture.

    Raises:
        BadInputError: there is no checkpoint and no log, one is damaged, or the format is not known.
    """
    from xnorflow.flows.figures.style import check_format, drawing, write_figure
    from xnorflow.flows.run_logs import read_curves

    check_format(file_format)
    checkpoints, tables = _sources(source)
    curves = {stage: read_curves(table) for stage, table in tables.items()}
    layers = {stage: _layers(checkpoint) for stage, checkpoint in checkpoints.items()}
    out.mkdir(parents=True, exist_ok=True)
    pictures = []
    with drawing():
        for name, figure in _figures(layers, {stage: found for stage, found in curves.items() if found}):
            pictures.append(write_figure(figure, out / f"{name}.{file_format}"))
            if progress:
                progress(f"{pictures[-1]}")
    figures = tuple(_summary(stage, layer) for stage, found in layers.items() for layer in found)
    return PlotResult(source, tuple(pictures), figures, {stage: tuple(sorted(found)) for stage, found in curves.items()})


def _sources(source: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Checkpoint and table of each stage that has one."""
    from xnorflow.flows.run_logs import stage_tables
    from xnorflow.qat.checkpoint import stage_of

    if source.is_dir():
        checkpoints = {stage_of(path): path for path in sorted(source.glob("*.ckpt"), key=lambda path: path.name == "last.ckpt")}
        tables = stage_tables(source)
        if not checkpoints and not tables:
            raise BadInputError(f"{source} holds no checkpoint (*.ckpt) and no logs (logs/STAGE/metrics.csv)")
        return checkpoints, tables
    stage = stage_of(source)
    return {stage: source}, {name: table for name, table in stage_tables(source.parent).items() if name == stage}


def _layers(checkpoint: Path) -> list[LayerWeights]:
    """The binary layers; all convolutions and matrices of a network without any."""
    from xnorflow.qat.checkpoint import load_checkpoint
    from xnorflow.qat.weight_statistics import layer_weights

    layers = layer_weights(load_checkpoint(checkpoint)[1])
    return [layer for layer in layers if layer.binary] or layers


def _figures(layers: Mapping[str, list[LayerWeights]], curves: Mapping[str, Mapping[str, Curve]]) -> Iterator[tuple[str, Figure]]:
    """Each picture and its name, one at a time."""
    from xnorflow.flows.figures.curves import curves_figure
    from xnorflow.flows.figures.weights import histogram_pages, kurtosis_figure

    for stage, found in layers.items():
        pages = histogram_pages(found, f"Weights by layer: {stage}")
        for number, page in enumerate(pages, 1):
            yield f"{stage}-weights" + (f"-{number}" if len(pages) > 1 else ""), page
        yield f"{stage}-kurtosis", kurtosis_figure(found, f"How near the weights are to two modes: {stage}")
    for stage, logged in curves.items():
        yield f"{stage}-curves", curves_figure(logged, f"Training: {stage}")


def _summary(stage: str, layer: LayerWeights) -> LayerFigures:
    fourth = layer.kurtosis
    return LayerFigures(stage, layer.name, layer.binary, layer.weight.numel(), fourth if math.isfinite(fourth) else None, layer.cosine)
