"""From a lowered graph to everything a build folder holds: folding, FIFO sizing, estimate."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from xnorflow.hw.bram_budget import check_budget
from xnorflow.hw.estimate.report import estimate_graph
from xnorflow.hw.fifo_sizing import insert_fifos
from xnorflow.hw.folding import FoldingRequest, foldings
from xnorflow.hw.folding.next_step import next_step
from xnorflow.hw.folding.unfold import unfold
from xnorflow.hw.write_build import BuildContents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xnorflow.hw.chain import FloatChain
    from xnorflow.hw.graph import Graph
    from xnorflow.pixels import PixelNorm


def plan(
    graph: Graph,
    *,
    tail: FloatChain,
    pixel_norm: PixelNorm,
    folding: FoldingRequest | None = None,
    model: bytes | None = None,
    head: str = "logits",
    passes: tuple[str, ...] = (),
    notes: Mapping[str, Any] = MappingProxyType({}),
    progress: Callable[[str], None] | None = None,
) -> BuildContents:
    """Fold a lowered graph, size its FIFOs and estimate it; everything that :func:`write_build` needs.

    Raises:
        FoldingError: the folding does not divide, no folding reaches the target, or the build exceeds a budget.
    """
    request = folding or FoldingRequest()
    tell(progress, "folding")
    for folded in foldings(graph, request):
        tell(progress, "sizing FIFOs")
        sized, schedule = insert_fifos(folded)
        estimate = estimate_graph(sized, schedule, request.clock_mhz)
        if not request.seeks_fastest or request.budget.holds(estimate.total):
            check_budget(sized, request.budget)
            return BuildContents(sized, tail, pixel_norm, estimate, model, head, passes, notes, next_step(unfold(folded), folded))
    raise AssertionError("foldings end with an error, never without one")


def tell(progress: Callable[[str], None] | None, message: str) -> None:
    """Report progress to whoever listens."""
    if progress is not None:
        progress(message)
