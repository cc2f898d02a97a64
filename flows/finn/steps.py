"""The steps of FINN+'s builder, and which tool each needs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class BuildStep:
    """One step.

    Attributes:
        name: FINN's.
        tools: programs that it starts; it runs only where they are on PATH.
        same_function: whether FINN can execute the model afterwards; not once its DMA engines are in it.
    """

    name: str
    tools: tuple[str, ...] = ()
    same_function: bool = True


_VIVADO, _BOTH = ("vivado",), ("vivado", "vitis_hls")
# FINN's own order (default_build_dataflow_steps) from the partition on: what stands before it makes hardware layers of a QONNX
# file, which our lowering has done, and step_target_fps_parallelization searches for a folding, which our solver has found.
STEPS = (
    BuildStep("step_create_dataflow_partition"),
    BuildStep("step_specialize_layers"),
    BuildStep("step_apply_folding_config"),
    BuildStep("step_minimize_bit_width"),
    BuildStep("step_generate_estimate_reports"),
    BuildStep("step_hw_codegen"),
    BuildStep("step_hw_ipgen"),
    BuildStep("step_set_fifo_depths"),
    BuildStep("step_create_stitched_ip", _VIVADO),
    BuildStep("step_synthesize_bitfile", _BOTH, same_function=False),  # its DMA engines are Vitis HLS
    BuildStep("step_make_driver", _BOTH, same_function=False),  # it describes the DMA engines that the bitfile has
    BuildStep("step_deployment_package", _BOTH, same_function=False),
)


def runnable() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps from the first on that the tools on PATH allow, and the tools that the others miss."""
    missing = [tuple(tool for tool in step.tools if shutil.which(tool) is None) for step in STEPS]
    count = next((index for index, tools in enumerate(missing) if tools), len(STEPS))
    return tuple(step.name for step in STEPS[:count]), tuple(sorted({tool for tools in missing for tool in tools}))
