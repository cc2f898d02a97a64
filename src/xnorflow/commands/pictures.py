"""Draw what a training made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xnorflow.commands.console import Json, command, say, show


@command
def plot(
    source: Annotated[Path, typer.Argument(metavar="CKPT|RUN", help="A checkpoint, or the folder that `xnorflow train` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the pictures.")] = Path("out/plots"),
    file_format: Annotated[str, typer.Option("--format", help="png or svg.")] = "png",
    as_json: Json = False,
) -> None:
    """Draw weight histograms and kurtosis by layer, and everything logged over the epochs."""
    from xnorflow.flows.plot import plot as draw

    result = draw(source, out, file_format=file_format, progress=say)
    show(result.to_json(), as_json, f"{len(result.pictures)} pictures in {out}")


@command
def landscape(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A file that `xnorflow train` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for points and pictures; what it holds is not computed again.")] = Path(
        "out/landscape"
    ),
    steps: Annotated[int, typer.Option("--steps", help="Points along each direction, odd.")] = 21,
    reach: Annotated[float, typer.Option("--range", help="Farthest point; 1 moves each filter by its own length.")] = 1.0,
    images: Annotated[int, typer.Option("--images", help="How many, drawn by the seed.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of the images and the directions.")] = 0,
    data: Annotated[str | None, typer.Option("--data", help="Data set; the one it was trained on by default.")] = None,
    split: Annotated[str, typer.Option("--split", help="train (not augmented) or test.")] = "train",
    moved: Annotated[str, typer.Option("--weights", help="all, or the binary layers' alone.")] = "all",
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    file_format: Annotated[str, typer.Option("--format", help="png or svg.")] = "png",
    as_json: Json = False,
) -> None:
    """Draw the loss on a plane through a checkpoint's weights: contour and surface."""
    from xnorflow.flows.landscape import LandscapeSettings
    from xnorflow.flows.landscape import landscape as draw

    result = draw(
        checkpoint, out, LandscapeSettings(steps, reach, images, seed, split, moved, device), data=data, file_format=file_format, progress=say
    )
    show(result.to_json(), as_json, f"{out}: loss {result.centre:.4g} at the checkpoint, {result.least:.4g} to {result.greatest:.4g} around it")
