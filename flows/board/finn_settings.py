"""The ``settings.json`` that finn-plus-driver reads, made from a build: FINN's own maker needs nodes that only Vitis HLS compiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xnorflow.flows.board.deploy import ports

if TYPE_CHECKING:
    from xnorflow.hw.build import Build
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
        "xnorflow": {"labels": str(build.manifest["head"]) == "argmax", "tail": build.tail.to_json()},
    }


def _port(side: str, beats: BeatFormat) -> dict[str, Any]:
    return {
        f"{side}dt": [f"DataType['{beats.kind.dtype.name}']"],
        f"{side}shape_normal": [[1, *beats.kind.shape]],
        f"{side}shape_folded": [[1, beats.beats, beats.lanes]],
        f"{side}shape_packed": [[1, beats.beats, beats.bytes]],
    }
