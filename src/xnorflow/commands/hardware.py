"""From a QONNX file to hardware, and the proof that it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xnorflow.commands.console import BuildFolder, Json, command, numbers, on_terminal, say, show


@command
def compile_(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="A QONNX file, of `xnorflow export`, Brevitas or QKeras.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="BUILD", help="Folder to write.")] = Path("build-xnorflow"),
    fps: Annotated[float | None, typer.Option("--fps", help="Images a second to reach.")] = None,
    clock: Annotated[float, typer.Option("--clock", metavar="MHZ", help="Clock of the hardware.")] = 100.0,
    max_luts: Annotated[int | None, typer.Option("--max-luts", "--lut", help="Estimated xc7 LUTs; alone: the fastest hardware within.")] = None,
    max_brams: Annotated[int | None, typer.Option("--max-brams", "--bram", help="Estimated xc7 BRAM18 not to exceed.")] = None,
    max_dsps: Annotated[int | None, typer.Option("--max-dsps", "--dsp", help="Estimated xc7 DSPs not to exceed.")] = None,
    board: Annotated[str | None, typer.Option("--board", help="Limits of a part: Pynq-Z1, Pynq-Z2, Ultra96 or KV260_SOM.")] = None,
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
    from xnorflow.flows.render import estimate_text, next_step_text

    result = run_compiler(
        model,
        out,
        pixel_scale=pixel_scale,
        mean=numbers(mean, "--mean"),
        std=numbers(std, "--std"),
        fps=fps,
        clock_mhz=clock,
        max_luts=max_luts,
        max_brams=max_brams,
        max_dsps=max_dsps,
        board=board,
        folding=folding,
        head=head,
        force=force,
        progress=say,
    )
    show(result.to_json(), as_json, f"{out}: " + estimate_text(result.build.estimate) + next_step_text(result.build.next_step))


@command
def verify(
    build: BuildFolder,
    images: Annotated[int | None, typer.Option("--images", min=2, help="How many; all of the data by default, or 100 random ones.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="digits, mnist=DIR, cifar10=DIR, folder=DIR or FILE.npy; random pixels by default.")
    ] = None,
    engine: Annotated[
        str,
        typer.Option("--engine", help="verilator (whole data sets), cocotb (protocol benches) or gates (Yosys' netlist, for xc7 or of --liberty)."),
    ] = "verilator",
    stalls: Annotated[bool, typer.Option("--stalls", help="Draw input gaps and output stalls.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything random; a run with the same seed is the same.")] = 0,
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", help="The trained network, for the PyTorch link.")] = None,
    qonnx_images: Annotated[int | None, typer.Option("--qonnx-images", min=1, help="Most images for the QONNX link; all by default.")] = None,
    liberty: Annotated[Path | None, typer.Option("--liberty", metavar="FILE.lib", help="Library of --engine gates; xc7 without.")] = None,
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
        liberty=liberty,
        progress=say,
    )
    show(report.to_json(), as_json, verify_text(report))


@command
def run(
    build: BuildFolder,
    images: Annotated[list[str], typer.Argument(metavar="IMAGES", help="PNG or JPEG files, FILE.npy, digits, mnist=DIR, cifar10=DIR or folder=DIR.")],
    backend: Annotated[str, typer.Option("--backend", help="cpu, reference, verilator, or pynq on a board with a deployment as BUILD.")] = "cpu",
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
def fifos(build: BuildFolder, as_json: Json = False) -> None:
    """Print the FIFOs of a build: how deep each is, and the least depth with which the cells do not wait for each other for ever."""
    from xnorflow.flows.fifos import fifos as search_depths
    from xnorflow.flows.render import fifos_text

    result = search_depths(build)
    show(result.to_json(), as_json, fifos_text(result))


@command
def explore(
    source: Annotated[Path, typer.Argument(metavar="BUILD_OR_ONNX", help="A build folder or a QONNX file.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for table and picture; finished points in it are kept.")] = Path("out/explore"),
    points: Annotated[int, typer.Option("--points", min=2, help="Rates, from the fastest to the slowest.")] = 24,
    clock: Annotated[float, typer.Option("--clock", metavar="MHZ", help="Clock of the hardware.")] = 100.0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes on this machine.")] = 1,
    scheduler: Annotated[str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster that computes the points.")] = None,
    as_json: Json = False,
) -> None:
    """Fold a network for many rates and draw LUTs against images a second."""
    from xnorflow.flows.explore import explore as run_sweep
    from xnorflow.flows.render import explore_text

    result = run_sweep(source, out, points=points, clock_mhz=clock, workers=workers, scheduler=scheduler, progress=say)
    show(result.to_json(), as_json, explore_text(result))


@command
def synth(
    build: BuildFolder,
    target: Annotated[str, typer.Option("--target", help="xc7, beside the estimate; asic: standard cells; ecp5 or ice40.")] = "xc7",
    liberty: Annotated[
        Path | None, typer.Option("--liberty", metavar="FILE.lib", help="The cells of --target asic; gate equivalents without.")
    ] = None,
    pnr: Annotated[bool, typer.Option("--pnr", help="For ecp5 and ice40: place and route with nextpnr, for the clock frequency.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of nextpnr's placer.")] = 1,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds after which to give up.")] = None,
    as_json: Json = False,
) -> None:
    """Synthesise a build with Yosys: LUTs of xc7 beside the estimate, area in standard cells, or Fmax on ECP5 and iCE40."""
    from xnorflow.flows.render import asic_text, lattice_text, synthesis_text
    from xnorflow.flows.synth import check_target, synth_asic, synth_lattice
    from xnorflow.flows.synth import synth as run_synthesis

    check_target(target, liberty, pnr=pnr)
    if target == "asic":
        cells = synth_asic(build, liberty, timeout=timeout, progress=say)
        show(cells.to_json(), as_json, asic_text(cells))
    elif target != "xc7":
        placed = synth_lattice(build, target, pnr=pnr, seed=seed, timeout=timeout, progress=say)
        show(placed.to_json(), as_json, lattice_text(placed))
    else:
        result = run_synthesis(build, timeout=timeout, progress=say)
        show(result.to_json(), as_json, synthesis_text(result))


@command
def report(
    builds: Annotated[list[Path], typer.Argument(metavar="BUILD...", help="Folders that `xnorflow compile` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE.html", help="The page; it needs no network.")] = Path("report.html"),
    board: Annotated[str, typer.Option("--board", help="Whose part the resources are compared with.")] = "Pynq-Z2",
    as_json: Json = False,
) -> None:
    """Write one page of graph, cycles, resources and verification of builds, side by side."""
    from xnorflow.flows.report import report as write_report

    result = write_report(builds, out, board=board)
    show(result.to_json(), as_json, f"{result.page}: {len(result.builds)} builds")


@command
def shell(
    build: BuildFolder,
    board: Annotated[str, typer.Option("--board", help="Pynq-Z1, Pynq-Z2, Ultra96 or KV260_SOM.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")] = Path("board-xnorflow"),
    clock: Annotated[float | None, typer.Option("--clock", metavar="NS", help="Period of the clock; the build's by default.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes of Vivado at a time; one a CPU by default.")] = None,
    simulate: Annotated[
        int, typer.Option("--simulate", metavar="N", min=0, help="First stream N random images, packed as on the board, through its RTL.")
    ] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last finished stage.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing board build.")] = False,
    as_json: Json = False,
) -> None:
    """Wrap a build for a board with AXI DMA, make the bitstream where Vivado is installed, and the files for PYNQ."""
    from xnorflow.flows.board.shell import shell as build_shell
    from xnorflow.flows.render import shell_text

    result = build_shell(build, board, out, clock_ns=clock, jobs=jobs, simulate=simulate, force=force, resume=resume, progress=say)
    show(result.to_json(), as_json, shell_text(result))


@command
def deploy(
    build: BuildFolder,
    folder: Annotated[Path, typer.Argument(metavar="DEPLOYMENT", help="FINN+'s deployment package of that build.")],
    as_json: Json = False,
) -> None:
    """Add to a deployment of FINN+ what a board needs to give a build's logits: the host's part, run.py and its modules."""
    from xnorflow.flows.board.finn_settings import complete_deployment

    settings = complete_deployment(folder, build)
    words = f"{settings}: completed; copy {folder} to the board and run there: sudo python3 run.py IMAGES.npy"
    show({"settings": str(settings), "build": str(build)}, as_json, words)


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

    result = run_demo(data, out, recipe=recipe, fps=fps, images=images, settings=settings, progress_bar=on_terminal(), progress=say)
    show(result.to_json(), as_json, demo_text(result))
