"""The command line: each command is thin over the library call of the same name in ``xnorflow.flows``.

Words go to stderr, figures to stdout with ``--json``. Exit codes: 0 fine, 1 a check failed, 2 bad input or missing tool,
130 interrupted.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from xnorflow import __version__
from xnorflow.errors import BadInputError, XnorflowError
from xnorflow.interrupts import EXIT_CODE, WORDS, interruptible

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")

app = typer.Typer(
    name="xnorflow",
    help="Binary neural networks from training to hardware that is proven to compute the same bits.",
    epilog="Exit codes: 0 fine, 1 a check failed, 2 bad input or a missing tool, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON on stdout.")]
BuildFolder = Annotated[Path, typer.Argument(metavar="BUILD", help="A folder that `xnorflow compile` wrote.")]


def say(text: str) -> None:
    """One line of words to stderr; lost where stderr is closed or full, which must not stop the work.

    Of several processes of a training on one machine the first speaks for all.
    """
    if sys.stderr is not None and os.environ.get("LOCAL_RANK", "0") == "0":
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def show(figures: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a command's result: the JSON record, or the same in words."""
    print(json.dumps(figures, indent=2) if as_json else text, flush=True)


def numbers(text: str | None, option: str) -> tuple[float, ...]:
    """Read comma-separated numbers.

    Raises:
        BadInputError: the text holds something else.
    """
    try:
        return () if text is None else tuple(float(part) for part in text.split(","))
    except ValueError:
        raise BadInputError(f"{option} {text!r} is not a list of numbers such as 0.5,0.5,0.5") from None


def command(function: Callable[_P, None]) -> Callable[_P, None]:
    """Register a command; errors that are the user's to mend end in one line and their exit code."""

    @app.command(name=function.__name__.rstrip("_"), help=function.__doc__)
    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            with interruptible():
                function(*args, **kwargs)
        except XnorflowError as error:
            say(f"xnorflow: error: {' '.join(str(error).split())}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt as interrupt:
            say(": ".join([WORDS, *map(str, interrupt.args)]))
            raise typer.Exit(EXIT_CODE) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except OSError as error:
            say(_os_error(error))
            raise typer.Exit(2) from None
        except MemoryError as error:
            say(f"xnorflow: error: not enough memory: {error}")
            raise typer.Exit(2) from None

    return run


def _os_error(error: OSError) -> str:
    return f"xnorflow: error: {error.filename or 'output'}: {error.strerror or error}"


def _version(wanted: bool) -> None:
    if wanted:
        print(f"xnorflow {__version__}")
        raise typer.Exit


@app.callback()
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False) -> None:
    del version


@command
def doctor(as_json: Json = False) -> None:
    """Say what is installed, what is missing, and how to get it."""
    from xnorflow.flows.doctor import doctor as diagnose
    from xnorflow.flows.render import diagnosis_text

    diagnosis = diagnose()
    show(diagnosis.to_json(), as_json, diagnosis_text(diagnosis))
    if not diagnosis.ok:
        raise typer.Exit(2)


@command
def models(as_json: Json = False) -> None:
    """List the networks that can be trained."""
    from xnorflow.flows.models import models as list_models
    from xnorflow.flows.render import table

    entries = [entry.to_json() for entry in list_models()]
    show({"models": entries}, as_json, table(("name", "image", "what it is"), [(e["name"], e["input"], e["summary"]) for e in entries]))


@command
def cost(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A network that `xnorflow models` lists.")],
    image: Annotated[str | None, typer.Option("--input", metavar="CxHxW", help="Image size; the published one by default.")] = None,
    classes: Annotated[int, typer.Option("--classes", min=1, help="Number of classes.")] = 10,
    width: Annotated[float | None, typer.Option("--width", help="Channel multiplier.")] = None,
    options: Annotated[list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="A switch of the network; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Count a network's parameters, bytes, BOPs, FLOPs and OPs = BOPs/64 + FLOPs."""
    from xnorflow.flows.cost import cost as count
    from xnorflow.flows.render import cost_text

    result = count(name, image, num_classes=classes, options=options or (), **({} if width is None else {"width": width}))
    show(result.to_json(), as_json, cost_text(result.cost))


@command
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A YAML file, or the name of a shipped recipe.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder for checkpoints and logs; out/train, or that of --resume.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; may be repeated.")] = None,
    data: Annotated[str | None, typer.Option("--data", help="digits, mnist=DIR, cifar10=DIR or folder=DIR.")] = None,
    resume: Annotated[Path | None, typer.Option("--resume", help="Folder or checkpoint of an interrupted run.")] = None,
    devices: Annotated[int | None, typer.Option("--devices", help="Processes that divide each batch; all of torchrun's, else 1.")] = None,
    nodes: Annotated[int, typer.Option("--nodes", help="Machines, each with so many processes.")] = 1,
    accelerator: Annotated[str, typer.Option("--accelerator", help="cpu, gpu or auto.")] = "auto",
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
        progress_bar=_on_terminal(),
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
def compile_(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="A QONNX file, of `xnorflow export`, Brevitas or QKeras.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="BUILD", help="Folder to write.")] = Path("build-xnorflow"),
    fps: Annotated[float | None, typer.Option("--fps", help="Images a second to reach.")] = None,
    clock: Annotated[float, typer.Option("--clock", metavar="MHZ", help="Clock of the hardware.")] = 100.0,
    max_luts: Annotated[int | None, typer.Option("--max-luts", help="The fastest hardware of at most so many estimated xc7 LUTs.")] = None,
    folding: Annotated[Path | None, typer.Option("--folding", metavar="FILE.json", help="PE and SIMD by layer, in FINN's format.")] = None,
    pixel_scale: Annotated[
        str | None, typer.Option("--pixel-scale", metavar="FRACTION", help="Factor of a pixel; the file's own, else 1/255.")
    ] = None,
    mean: Annotated[str | None, typer.Option("--mean", metavar="M[,M...]", help="Subtracted after scaling, per channel.")] = None,
    std: Annotated[str | None, typer.Option("--std", metavar="S[,S...]", help="Divisor after that, per channel.")] = None,
    head: Annotated[str, typer.Option("--head", help="logits, or argmax for the label alone.")] = "logits",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing build folder.")] = False,
    as_json: Json = False,
) -> None:
    """Compile a QONNX file into streaming hardware, checked against the file after every pass."""
    from xnorflow.flows.compile import compile_ as run_compiler
    from xnorflow.flows.render import estimate_text

    result = run_compiler(
        model,
        out,
        pixel_scale=pixel_scale,
        mean=numbers(mean, "--mean"),
        std=numbers(std, "--std"),
        fps=fps,
        clock_mhz=clock,
        max_luts=max_luts,
        folding=folding,
        head=head,
        force=force,
        progress=say,
    )
    show(result.to_json(), as_json, f"{out}: " + estimate_text(result.build.estimate))


@command
def verify(
    build: BuildFolder,
    images: Annotated[int | None, typer.Option("--images", min=2, help="How many; all of the data by default, or 100 random ones.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="digits, mnist=DIR, cifar10=DIR, folder=DIR or FILE.npy; random pixels by default.")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="verilator (whole data sets) or cocotb (protocol benches).")] = "verilator",
    stalls: Annotated[bool, typer.Option("--stalls", help="Draw input gaps and output stalls.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything random; a run with the same seed is the same.")] = 0,
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", help="The trained network, for the PyTorch link.")] = None,
    qonnx_images: Annotated[int | None, typer.Option("--qonnx-images", min=1, help="Most images for the QONNX link; all by default.")] = None,
    as_json: Json = False,
) -> None:
    """Prove a build: the same images through PyTorch, QONNX, interpreter, CPU and RTL, compared bit by bit."""
    from xnorflow.flows.render import verify_text
    from xnorflow.flows.verify import verify as run_chain

    report = run_chain(
        build,
        images=images,
        data=data,
        engine=engine,
        stalls=stalls,
        seed=seed,
        checkpoint=checkpoint,
        qonnx_images=qonnx_images,
        progress=say,
    )
    show(report.to_json(), as_json, verify_text(report))


@command
def run(
    build: BuildFolder,
    images: Annotated[list[str], typer.Argument(metavar="IMAGES", help="PNG or JPEG files, FILE.npy, digits, mnist=DIR, cifar10=DIR or folder=DIR.")],
    backend: Annotated[str, typer.Option("--backend", help="cpu, reference or verilator.")] = "cpu",
    limit: Annotated[int | None, typer.Option("--images", min=1, help="Most images.")] = None,
    as_json: Json = False,
) -> None:
    """Run images through a build and print their labels."""
    from xnorflow.flows.render import run_text
    from xnorflow.flows.run import run as run_images

    result = run_images(build, images, backend=backend, limit=limit, progress=say)
    show(result.to_json(), as_json, run_text(result))


@command
def estimate(build: BuildFolder, as_json: Json = False) -> None:
    """Print a build's cycles, latency and resources by node and in total."""
    from xnorflow.flows.estimate import estimate as read_estimate
    from xnorflow.flows.render import estimate_text

    result = read_estimate(build)
    show(result.to_json(), as_json, estimate_text(result))


@command
def synth(
    build: BuildFolder,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds after which to give up.")] = None,
    as_json: Json = False,
) -> None:
    """Synthesise a build with Yosys for xc7 and print estimated and synthesised resources side by side."""
    from xnorflow.flows.render import synthesis_text
    from xnorflow.flows.synth import synth as run_synthesis

    result = run_synthesis(build, timeout=timeout, progress=say)
    show(result.to_json(), as_json, synthesis_text(result))


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


@command
def demo(
    data: Annotated[str, typer.Option("--data", help="digits, mnist=DIR, cifar10=DIR or folder=DIR.")] = "digits",
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")] = Path("out/demo"),
    recipe: Annotated[str | None, typer.Option("--recipe", help="A shipped recipe or a YAML file; by default one that suits the data.")] = None,
    fps: Annotated[float, typer.Option("--fps", help="Images a second to fold for, at 100 MHz.")] = 10_000.0,
    images: Annotated[int | None, typer.Option("--images", min=2, help="Test images to verify; every one by default.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting of the recipe.")] = None,
    as_json: Json = False,
) -> None:
    """Train a binary network, compile it, and compare every test image on every link."""
    from xnorflow.flows.demo import demo as run_demo
    from xnorflow.flows.render import demo_text

    result = run_demo(data, out, recipe=recipe, fps=fps, images=images, settings=settings, progress_bar=_on_terminal(), progress=say)
    show(result.to_json(), as_json, demo_text(result))


def main() -> None:
    """Entry point of the ``xnorflow`` program."""
    try:
        app()
    except OSError as error:  # of --help and --version; each command has its own
        say(_os_error(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
