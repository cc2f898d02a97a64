"""Train a network, measure it, and write it as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xnorflow.commands.console import Json, command, on_terminal, say, show


@command
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A YAML file, or the name of a shipped recipe.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder for checkpoints and logs; out/train, or that of --resume.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; may be repeated.")] = None,
    data: Annotated[str | None, typer.Option("--data", help="digits, mnist=DIR, cifar10=DIR, cifar100=DIR, folder=DIR or imagenet=DIR.")] = None,
    resume: Annotated[Path | None, typer.Option("--resume", help="Folder or checkpoint of an interrupted run.")] = None,
    devices: Annotated[int | None, typer.Option("--devices", help="Processes that divide each batch; all of torchrun's, else 1.")] = None,
    nodes: Annotated[int, typer.Option("--nodes", help="Machines, each with so many processes.")] = 1,
    accelerator: Annotated[str, typer.Option("--accelerator", help="cpu, gpu or auto.")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace what another training left in the folder.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network from a recipe."""
    from xnorflow.flows.train import train as run

    result = run(
        recipe,
        out,
        overrides=settings,
        data=data,
        resume=resume,
        accelerator=accelerator,
        devices=devices,
        nodes=nodes,
        force=force,
        progress_bar=on_terminal(),
        progress=say,
    )
    if result.first:
        text = f"{result.checkpoint}: {result.measured()} after {result.epochs} epochs, {result.seconds:.0f} s"
        show(result.to_json(), as_json, text)


@command
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A file that `xnorflow train` wrote.")],
    data: Annotated[str | None, typer.Option("--data", help="Data set; the one it was trained on by default.")] = None,
    as_json: Json = False,
) -> None:
    """Measure a checkpoint's accuracy on all test images."""
    from xnorflow.flows.evaluate import evaluate as run

    result = run(checkpoint, data, progress=say)
    show(result.to_json(), as_json, f"{checkpoint}: {100 * result.accuracy:.2f} % on {result.images:,} test images of {result.data}")


@command
def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A file that `xnorflow train` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="QONNX file to write.")] = Path("model.onnx"),
    data: Annotated[str | None, typer.Option("--data", help="Data set of the probe images.")] = None,
    as_json: Json = False,
) -> None:
    """Write a checkpoint as QONNX and check that the file computes PyTorch's bits."""
    from xnorflow.flows.export import export as run

    result = run(checkpoint, out, data=data, progress=say)
    show(
        result.to_json(), as_json, f"{result.model}: equals PyTorch bit for bit on {result.images} images ({result.data_images} of them test images)"
    )


@command
def integerise(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="Of a residual network, a file that `xnorflow train` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for integers.ckpt.")] = Path("out/integers"),
    bits: Annotated[list[str] | None, typer.Option("--bits", metavar="PART=W[,A]", help="se=4,8 or stream=9; may be repeated.")] = None,
    epochs: Annotated[int | None, typer.Option("--fine-tune-epochs", help="Training behind the rounding; none by default.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Such as fine_tune.lr=1e-4.")] = None,
    data: Annotated[str | None, typer.Option("--data", help="Data set; the one it was trained on by default.")] = None,
    as_json: Json = False,
) -> None:
    """Make a trained residual network one of integers, which exports bit for bit; say what it costs and what bounds it."""
    from xnorflow.flows.integerise import integerise as run
    from xnorflow.flows.render import integers_text

    result = run(checkpoint, out, bits=bits or (), fine_tune_epochs=epochs, settings=settings or (), data=data, progress=say)
    show(result.to_json(), as_json, integers_text(result))


@command
def teachers(
    candidates: Annotated[list[str] | None, typer.Argument(metavar="[NAME=TOP1|CKPT[=TOP1]]...", help="By default those of BNext's table.")] = None,
    as_json: Json = False,
) -> None:
    """Rank teachers by knowledge complexity: classifiers of torchvision and checkpoints, each with its accuracy as a fraction."""
    from xnorflow.flows.render import teachers_text
    from xnorflow.flows.teachers import PUBLISHED
    from xnorflow.flows.teachers import teachers as rank

    ranking = rank(candidates or PUBLISHED)
    show(ranking.to_json(), as_json, teachers_text(ranking))
