"""Fold a network for many rates, and draw what each costs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import BadInputError, MissingToolError
from xnorflow.files import replacing
from xnorflow.hw.build import Build
from xnorflow.hw.estimate.report import estimate_graph
from xnorflow.hw.fifo_sizing import insert_fifos
from xnorflow.hw.folding.apply import fold_to_interval
from xnorflow.hw.folding.fold import ready
from xnorflow.hw.folding.request import DEFAULT_CLOCK_MHZ, FoldingRequest
from xnorflow.hw.folding.space import Space
from xnorflow.hw.folding.unfold import unfold
from xnorflow.hw.serialise import graph_from_json, graph_to_json
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor

    from xnorflow.hw.graph import Graph

RECORD, TABLE, PICTURE = "explore.json", "explore.csv", "front.png"


@dataclass(frozen=True)
class Point:
    """The cheapest hardware for one rate, FIFOs included.

    Attributes:
        asked: cycles a frame that it was to keep to.
        interval, latency: cycles.
        fps: frames a second at the clock.
        lut, ff, bram18, dsp: estimated.
        fifo_bits: bits of all FIFOs.
        limiting: the cells that limit the rate.
    """

    asked: int
    interval: int
    latency: int
    fps: float
    lut: int
    ff: int
    bram18: int
    dsp: int
    fifo_bits: int
    limiting: tuple[str, ...]


@dataclass(frozen=True)
class ExploreResult:
    """A sweep.

    Attributes:
        folder: where table and picture lie.
        points: by interval, the fastest first.
        front: intervals of those that no other point beats in both LUTs and rate.
        computed: how many were computed now; the others were there already.
    """

    folder: Path
    points: tuple[Point, ...]
    front: tuple[int, ...]
    computed: int

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return {"folder": str(self.folder), "computed": self.computed, "front": list(self.front), "points": [asdict(point) for point in self.points]}


def explore(
    source: Path,
    out: Path,
    *,
    points: int = 24,
    clock_mhz: float = DEFAULT_CLOCK_MHZ,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> ExploreResult:
    """Sweep the folding of a network from the fastest to the slowest, write a table and draw LUTs against images a second.

    Args:
        source: a build folder or a QONNX file.
        out: folder for ``explore.json``, ``explore.csv`` and ``front.png``; points of the same network that it holds are kept.
        points: how many rates, spread evenly by ratio over all that foldings can have.
        clock_mhz: clock of the hardware.
        workers: processes on this machine; 1 for none besides this one.
        scheduler: address of a Dask scheduler that computes the points instead, its workers having xnorflow installed.
        progress: called with a line of text.

    Raises:
        BadInputError: the source cannot be used, the folder holds points of another network or clock, or nothing answers at the
            scheduler's address.
        MissingToolError: a scheduler is given, and Dask is not installed.
    """
    if points < 2 or workers < 1:
        raise BadInputError(f"{points} points by {workers} workers were asked for; at least 2 points and 1 worker are accepted")
    FoldingRequest(clock_mhz=clock_mhz)
    graph = _graph(source, progress)
    text = graph_to_json(graph)
    settings = {"network": hashlib.sha256(text.encode()).hexdigest(), "clock_mhz": clock_mhz}
    known = _kept(out, settings)
    wanted = [cycles for cycles in spread(Space.of(ready(graph)).intervals(), points) if cycles not in known]
    out.mkdir(parents=True, exist_ok=True)
    with _executor(workers, scheduler) as pool:
        for number, point in enumerate(_computed(text, wanted, clock_mhz, pool), 1):
            known[point.asked] = point
            _keep(out, settings, known)
            if progress is not None:
                progress(f"point {number} of {len(wanted)}: {point.fps:,.0f} images/s, {point.lut:,} LUT")
    found = tuple(sorted(known.values(), key=lambda point: point.interval))
    result = ExploreResult(out, found, pareto(found), len(wanted))
    _write_table(out / TABLE, result)
    _draw(out / PICTURE, result, source.name)
    return result


def spread(intervals: list[int], count: int) -> list[int]:
    """So many of ascending intervals, or all where there are fewer, as evenly spaced by ratio as they allow."""
    if len(intervals) <= count:
        return intervals
    logs = np.log(np.array(intervals, dtype=np.float64))
    nearest = {int(np.argmin(np.abs(logs - target))) for target in np.linspace(logs[0], logs[-1], count)}
    return [intervals[index] for index in sorted(nearest)]


def pareto(points: Iterable[Point]) -> tuple[int, ...]:
    """Intervals of the points that no other one beats in both rate and LUTs, the fastest first."""
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.interval, p.lut)):
        if not front or point.lut < front[-1].lut:
            front.append(point)
    return tuple(point.interval for point in front)


def compute(text: str, interval: int, clock_mhz: float) -> Point:
    """One point, from the text of the unfolded graph: also what another process or machine runs."""
    graph = fold_to_interval(ready(graph_from_json(text)), interval, clock_mhz=clock_mhz)
    sized, schedule = insert_fifos(graph)
    estimate = estimate_graph(sized, schedule, clock_mhz)
    total = estimate.total
    slowest = max(node.interval for node in estimate.nodes)
    limiting = tuple(node.name for node in estimate.nodes if node.interval == slowest)
    costs = (round(total.lut), round(total.ff), total.bram18, total.dsp)
    return Point(interval, estimate.interval, estimate.latency, estimate.fps, *costs, estimate.fifo_bits, limiting)


def _graph(source: Path, progress: Callable[[str], None] | None) -> Graph:
    if source.is_dir():
        return unfold(Build.open(source).graph)
    from xnorflow.hw.lowering import lower

    if not source.is_file():
        raise BadInputError(f"{source} is neither a build folder nor an ONNX file")
    return lower(source, progress=progress).graph


def _computed(text: str, intervals: list[int], clock_mhz: float, pool: Executor | None) -> Iterator[Point]:
    if pool is None:
        yield from (compute(text, cycles, clock_mhz) for cycles in intervals)
        return
    waiting = [pool.submit(compute, text, cycles, clock_mhz) for cycles in intervals]
    yield from (done.result() for done in as_completed(waiting))


@contextmanager
def _executor(workers: int, scheduler: str | None) -> Iterator[Executor | None]:
    if scheduler is not None:
        try:
            client_of = import_module("distributed").Client
        except ImportError as error:
            raise MissingToolError("a scheduler needs Dask; install it with `pip install distributed`, here and on the workers") from error
        try:
            client = client_of(scheduler)
        except (OSError, ValueError) as error:
            raise BadInputError(
                f"Dask scheduler {scheduler!r} cannot be reached ({error}); accepted is an address such as tcp://HOST:8786"
            ) from error
        with client:
            yield client.get_executor()
    elif workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        yield None


def _kept(folder: Path, settings: dict[str, Any]) -> dict[int, Point]:
    path = folder / RECORD
    if not path.is_file():
        return {}
    try:
        record = parse_json(path.read_text(encoding="utf-8"), str(path))
        before, points = record["settings"], [Point(**{**point, "limiting": tuple(point["limiting"])}) for point in record["points"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    if before != settings:
        raise BadInputError(f"{folder} holds points of another network or clock; name another folder")
    return {point.asked: point for point in points}


def _keep(folder: Path, settings: dict[str, Any], points: dict[int, Point]) -> None:
    record = {"settings": settings, "points": [asdict(points[asked]) for asked in sorted(points)]}
    with replacing(folder / RECORD) as file:
        file.write((json.dumps(record, indent=1) + "\n").encode())


def _write_table(path: Path, result: ExploreResult) -> None:
    names = [field.name for field in fields(Point)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "on_front"])
    for point in result.points:
        values = {**asdict(point), "limiting": " ".join(point.limiting)}
        writer.writerow([*(values[name] for name in names), int(point.interval in result.front)])
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def _draw(path: Path, result: ExploreResult, title: str) -> None:
    from xnorflow.flows.figures.front import front_figure
    from xnorflow.flows.figures.style import drawing, write_figure

    with drawing():
        write_figure(front_figure(result.points, set(result.front), title), path)
