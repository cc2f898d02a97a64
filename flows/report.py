"""One page that shows one or more builds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError
from xnorflow.files import replacing
from xnorflow.flows.board.boards import Board, board_named
from xnorflow.flows.report_page import WORDS, Shown, page
from xnorflow.flows.results import file_of, kept
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
    return Shown(str(folder), build, _figures(build, "verify"), _figures(build, "run"), _figures(build, "synth"))


def _figures(build: Build, name: str) -> dict[str, Any] | None:
    """What was kept of a build, if the page can tell it."""
    figures = kept(build, name)
    if figures is not None:
        try:
            for words in WORDS[name]:
                words(figures)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadInputError(f"{file_of(build, name)} is damaged ({type(error).__name__}: {error}); remove it") from error
    return figures
