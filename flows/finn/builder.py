"""Runs FINN+'s build_dataflow_cfg on a compiled network; imported in the worker only, once the shim is in place."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finn.builder.build_dataflow import build_dataflow_cfg
from finn.builder.build_dataflow_config import AutoFIFOSizingMethod, DataflowBuildConfig, DataflowOutputType, LargeFIFOMemStyle, ShellFlowType
from finn.builder.build_dataflow_steps import build_dataflow_step_lookup

from xnorflow.errors import CheckFailedError
from xnorflow.flows.finn.checks import Equality
from xnorflow.flows.finn.convert import finn_model, folding_record, our_names
from xnorflow.flows.finn.fifos import finn_fifos
from xnorflow.flows.finn.settings import BUILD, LOG, SAVED, STITCHED, Settings, write_json
from xnorflow.flows.finn.steps import STEPS
from xnorflow.flows.finn.stitch import write_stitched
from xnorflow.hw.build import Build
from xnorflow.hw.folding.hardware import hardware_nodes

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL, FOLDING, NAMES = "dataflow.onnx", "folding.json", "node_names.json"
_OUTPUTS = ("ESTIMATE_REPORTS", "STITCHED_IP", "BITFILE", "PYNQ_DRIVER", "DEPLOYMENT_PACKAGE")  # the C++ driver stops a build for a Zynq


def run_builder(out: Path, tell: Callable[..., None]) -> None:
    """Run the steps that ``OUT/finn.json`` names; each is told of with its seconds when it is over.

    Raises:
        CheckFailedError: a step changed the network, or the builder ended with an error that it swallowed.
    """
    run = Run(out, tell)
    code = build_dataflow_cfg(str(out / MODEL), run.config())
    if code != 0:
        raise CheckFailedError(f"FINN's builder ended with {code}; {out / LOG} says why")
    run.saved(run.settings.steps)


class Run:
    """One run of the builder."""

    def __init__(self, out: Path, tell: Callable[..., None]) -> None:
        self.out, self.tell, self.settings = out, tell, Settings.read(out)
        self.graph = Build.open(out / BUILD).graph
        self.equality = Equality(self.graph, self.settings.probes)
        fifos = finn_fifos(self.graph)
        model = finn_model(fifos.bare, fifos.depths)
        self.equality.check(model, "0, the conversion to its operators,")
        model.save(str(out / MODEL))

    def saved(self, steps: tuple[str, ...]) -> None:
        """Keep in ``OUT/saved.json`` which steps' models are on disk."""
        write_json(self.out / SAVED, list(steps))

    def config(self) -> Any:
        """FINN's configuration."""
        settings = self.settings
        return DataflowBuildConfig(
            output_dir=str(self.out),
            board=settings.board,
            shell_flow_type=ShellFlowType.VIVADO_ZYNQ,
            synth_clk_period_ns=settings.clock_ns,
            generate_outputs=[DataflowOutputType[name] for name in _OUTPUTS],
            folding_config_file=self.out / FOLDING,
            auto_fifo_depths=settings.fifos is None,
            auto_fifo_strategy=AutoFIFOSizingMethod.FORCE_MINIMAL_FIFOS,  # that is: as deep as the operators' attributes say
            large_fifo_mem_style=LargeFIFOMemStyle.BRAM,  # FINN would take URAM for the deepest, which a Zynq-7000 has not
            fifo_config_file=None if settings.fifos is None else self.out / settings.fifos,
            steps=[self._step(name) for name in settings.steps],
            start_step=settings.start,
        )

    def _step(self, name: str) -> Callable[..., Any]:
        """FINN's step under its own name: with what we add, timed, and followed by the check."""
        step = build_dataflow_step_lookup[name]
        same_function = next(s for s in STEPS if s.name == name).same_function

        def run(model: Any, cfg: Any) -> Any:
            self.tell(started=name)
            self.saved(self.settings.steps[: self.settings.steps.index(name)])
            start = time.perf_counter()
            self._before(name, model)
            model = step(model, cfg)
            seconds = time.perf_counter() - start
            if same_function:
                self.equality.check(model, name)
            self.tell(step=name, seconds=round(seconds, 3), images=len(self.equality.images) if same_function else 0)
            self._after(name, model)
            return model

        run.__name__ = name
        return run

    def _before(self, name: str, model: Any) -> None:
        if name == "step_apply_folding_config":
            write_json(self.out / FOLDING, folding_record(model))

    def _after(self, name: str, model: Any) -> None:
        if name == "step_set_fifo_depths":
            write_json(self.out / NAMES, our_names(model))
            last = hardware_nodes(self.graph)[-1]
            write_stitched(model, self.out / STITCHED, self.graph.streams[self.graph.outputs[0]].beats(last.out_lanes))
