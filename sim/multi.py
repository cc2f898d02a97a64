"""Several networks in one compiled model, so that many small ones are simulated with few compilations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xnorflow.hw.emit import emit
from xnorflow.sim.engine.model import compile_model
from xnorflow.sim.engine.session import SessionRequest, proof_steps, run_session
from xnorflow.sim.rtl import RtlRequest, RtlResult, sink_format, source_format, top_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from xnorflow.hw.graph import Graph
    from xnorflow.hw.types import IntArray
    from xnorflow.sim.engine.model import CompiledModel


@dataclass(frozen=True, eq=False)
class NetworkCase:
    """One network.

    Attributes:
        name: of its top module; different for each network.
        graph: folded, with width converters and FIFOs.
        images: int64 ``(N, H, W, C)``, at least 2.
        seed: of stalls and of state that no reset touches.
        patience: cycles without a beat after which the top counts as stuck.
    """

    name: str
    graph: Graph
    images: IntArray
    seed: int
    patience: int


@dataclass(frozen=True, eq=False)
class NetworkBatch:
    """Emitted networks in one model.

    Attributes:
        folder: holds ``<name>.v``, ``rtl/``, ``mem/`` and the compiled model.
        model: the executable.
        cases: the networks.
    """

    folder: Path
    model: CompiledModel
    cases: tuple[NetworkCase, ...]

    @classmethod
    def build(cls, cases: Sequence[NetworkCase], folder: Path, *, progress: Callable[[str], None] | None = None) -> NetworkBatch:
        """Emit all networks into one folder and compile them together.

        Raises:
            CheckFailedError: a netlist does not elaborate or compile.
        """
        for case in cases:
            emit(case.graph, folder, case.name)
        verilog = [*sorted((folder / "rtl").glob("*.sv")), *(folder / f"{case.name}.v" for case in cases)]
        tops = tuple(top_of(case.graph, case.name) for case in cases)
        return cls(folder, compile_model(verilog, tops, folder / "sim", optimise=False, progress=progress), tuple(cases))

    def request(self, case: NetworkCase, *, stalls: bool) -> RtlRequest:
        """How to simulate one of the networks, alone or again."""
        patience = case.patience * (8 if stalls else 1)
        return RtlRequest(case.graph, self.folder, case.name, stalls=stalls, seed=case.seed, patience=patience)

    def simulate(self, case: NetworkCase, *, stalls: bool) -> RtlResult:
        """Stream a network's images: half of them, a reset in mid-frame, then all, each time back to back."""
        source, sink = source_format(case.graph), sink_format(case.graph)
        request = self.request(case, stalls=stalls)
        session = SessionRequest(self.model, case.name, self.folder, source, sink, proof_steps(len(case.images), source.beats))
        session = replace(session, stalls=stalls, seed=case.seed, patience=request.patience)
        return RtlResult(((0, run_session(session, source.pack(case.images))),), sink)
