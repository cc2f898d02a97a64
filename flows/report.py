"""One page that shows one or more builds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.files import replacing
from xnorflow.flows.board.boards import Board, board_named
from xnorflow.flows.report_page import Shown, page
from xnorflow.flows.results import kept
from xnorflow.hw.build import Build

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True)
class ReportResult:
    """A page.

    Attributes:
        page: the file.
        builds: the folders that it shows.
    """

    page: Path
    builds: tuple[Path, ...]

    def to_json(self) -> dict[str, Any]:
        """The paths as text."""
        return {"page": str(self.page), "builds": [str(build) for build in self.builds]}


def report(builds: Sequence[Path], out: Path, *, board: str = "Pynq-Z2") -> ReportResult:
    """Write a page of builds: graph, cycles, resources, what was verified, and all of them side by side.

    Args:
        builds: folders that ``compile`` wrote; what ``verify``, ``run`` and ``synth`` found of them is shown.
        out: the HTML file; it needs no other file and no network.
        board: whose part the resources are compared with.

    Raises:
        BadInputError: a build, a result beside it, the board or the place of the page cannot be used.
    """
    chosen: Board = board_named(board)
    shown = [_shown(folder) for folder in builds]
    if not shown:
        raise BadInputError("no build was given; folders that `xnorflow compile` wrote are accepted")
    if out.is_dir():
        raise BadInputError(f"{out} is a folder; name an HTML file")
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as file:
        file.write(page(shown, chosen).encode())
    return ReportResult(out, tuple(builds))


def _shown(folder: Path) -> Shown:
    build = Build.open(folder)
    return Shown(str(folder), build, kept(build, "verify"), kept(build, "run"), kept(build, "synth"))
