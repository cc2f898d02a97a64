"""The ``settings.json`` that finn-plus-driver reads: made from a build where FINN cannot make it, and completed where it can."""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.files import replacing
from xnorflow.flows.board.deploy import ports, write_programs
from xnorflow.hw.build import Build
from xnorflow.sim.pynq.deployment import read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from xnorflow.sim.packing import BeatFormat


def finn_settings(build: Build, clock_mhz: float, *, input_dma: str = "idma0", output_dma: str = "odma0") -> dict[str, Any]:
    """Settings for a bitstream that holds a build's top between FINN's input and output DMA.

    Args:
        build: the compiled network.
        clock_mhz: of the network.
        input_dma: name of the DMA that reads images, in the bitstream.
        output_dma: name of the one that writes results.

    Returns:
        Plain types. Beside what FINN+ 1.6 writes there is the entry ``xnorflow``: what the host makes of the output.
    """
    source, sink = ports(build)
    shapes = {
        **_port("i", source),
        **_port("o", sink),
        "idma_names": [input_dma],
        "odma_names": [output_dma],
        "num_inputs": 1,
        "num_outputs": 1,
        "number_of_external_weights": 0,
        "external_weights_input_shapes": {},
    }
    return {
        "driver_information": {
            "driver_type": "FINNDMAOverlay",
            "platform": "zynq-iodma",
            "io_shape_dict": shapes,
            "external_weights": False,
            "runtime_weights": False,
            "fclk_mhz": clock_mhz,
        },
        "experiment_information": {},
        "xnorflow": _host(build),
    }


def complete_deployment(folder: Path, build: Path) -> Path:
    """Add to a deployment of FINN+ what a board needs to give the logits of a build: the host's part, ``run.py`` and ``python/``.

    Args:
        folder: FINN+'s deployment package.
        build: the folder that ``compile`` wrote and the deployment was made from.

    Returns:
        The settings that were completed.

    Raises:
        BadInputError: one of the folders cannot be used, or the deployment is of another network.
    """
    opened = Build.open(build)
    record, path = read_settings(folder)
    try:
        shapes = record["driver_information"]["io_shape_dict"]
        found = [(shapes[f"{side}dt"][0], prod(int(d) for d in shapes[f"{side}shape_normal"][0][1:])) for side in "io"]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BadInputError(f"{path} is no settings file of FINN+ ({type(error).__name__}: {error}); `xnorflow shell` completes its own") from error
    expected = [(f"DataType['{beats.kind.dtype.name}']", beats.kind.size) for beats in ports(opened)]
    if found != expected:
        raise BadInputError(f"{path} is of another network than {build}: input and output are {found}, those of the build {expected}")
    with replacing(path) as file:
        file.write((json.dumps({**record, "xnorflow": _host(opened)}, indent=2) + "\n").encode())
    write_programs(folder)
    return path


def _host(build: Build) -> dict[str, Any]:
    (kind,) = build.graph.inputs.values()
    return {"shape": list(kind.shape), "labels": str(build.manifest["head"]) == "argmax", "tail": build.tail.to_json()}


def _port(side: str, beats: BeatFormat) -> dict[str, Any]:
    return {
        f"{side}dt": [f"DataType['{beats.kind.dtype.name}']"],
        f"{side}shape_normal": [[1, *beats.kind.shape]],
        f"{side}shape_folded": [[1, beats.beats, beats.lanes]],
        f"{side}shape_packed": [[1, beats.beats, beats.bytes]],
    }
