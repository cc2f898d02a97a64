"""A compiled network through FINN+."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xnorflow.commands.console import BuildFolder, Json, command, say, show


@command
def finn(
    build: BuildFolder,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="Folder of the FINN build.")] = Path("build-finn"),
    board: Annotated[str, typer.Option("--board", help="Pynq-Z1, Pynq-Z2, Ultra96 or KV260_SOM.")] = "Pynq-Z1",
    fps: Annotated[float | None, typer.Option("--fps", help="Fold anew for so many images a second.")] = None,
    folding: Annotated[Path | None, typer.Option("--folding", metavar="FILE.json", help="Fold anew: PE and SIMD by layer, in FINN's format.")] = None,
    fifos: Annotated[
        Path | None, typer.Option("--fifos", metavar="FILE.json", help="Depths of FIFOs, as FINN's report/fifo_sizing.json; our solver's by default.")
    ] = None,
    clock: Annotated[float | None, typer.Option("--clock", metavar="NS", help="Period of the clock; the build's by default.")] = None,
    probes: Annotated[int, typer.Option("--probes", min=2, help="Images compared after every step.")] = 4,
    simulate: Annotated[
        int | None, typer.Option("--simulate", min=2, metavar="IMAGES", help="Stream random images through the generated RTL and compare.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with OUT where it stopped, as it was begun.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT.")] = False,
    as_json: Json = False,
) -> None:
    """Take a build through FINN+'s builder with our cells, each step compared with the interpreter; with Vivado to the bitfile."""
    from xnorflow.flows.finn.run import finn as run_finn
    from xnorflow.flows.render import finn_text

    result = run_finn(
        build,
        out,
        board=board,
        fps=fps,
        folding=folding,
        fifos=fifos,
        clock_ns=clock,
        probes=probes,
        simulate=simulate,
        resume=resume,
        force=force,
        progress=say,
    )
    show(result.to_json(), as_json, finn_text(result))
