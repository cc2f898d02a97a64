"""What a cell bench is to do: for each configuration the frames, what the node makes of them, and when."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xnorflow.hw.timing import unstalled
from xnorflow.sim.packing import BeatFormat

if TYPE_CHECKING:
    from xnorflow.hw.graph import HardwareNode, StreamType
    from xnorflow.hw.types import IntArray


@dataclass(frozen=True)
class CellCase:
    """One configuration of a cell.

    Attributes:
        name: what reports call it.
        node: the folded node; its ``execute`` is the authority.
        ins: types of its input streams.
    """

    name: str
    node: HardwareNode
    ins: tuple[StreamType, ...]

    @property
    def outs(self) -> tuple[StreamType, ...]:
        """Types of its output streams."""
        return self.node.infer(self.ins)


@dataclass(frozen=True)
class CellPlan:
    """Stimulus and expectation of one configuration.

    Attributes:
        name: the configuration's.
        frames_in: for each input, beats of each frame.
        frames_out: for each output, beats of each frame.
        made: cycles in which an unstalled cell makes the beats of ``free_frames`` frames, the same at every output; cycle 0
            offers the first beat at every input.
        interval: cycles a frame.
        free_frames: frames of the run without stalls.
    """

    name: str
    frames_in: list[list[list[int]]]
    frames_out: list[list[list[int]]]
    made: list[int]
    interval: int
    free_frames: int

    @staticmethod
    def load(path: Path) -> list[CellPlan]:
        """Read the plans that :func:`save_plans` wrote."""
        return [CellPlan(**item) for item in json.loads(path.read_text())]


def save_plans(plans: list[CellPlan], path: Path) -> None:
    """Write plans for the simulator's process."""
    path.write_text(json.dumps([asdict(plan) for plan in plans]))


def make_plan(case: CellCase, frames: int, free_frames: int, seed: int) -> CellPlan:
    """Draw random frames for a configuration and let its node compute them."""
    node = case.node
    rng = np.random.default_rng(seed)
    values = tuple(random_frames(kind, frames, rng) for kind in case.ins)
    timings = node.timings(case.ins)
    return CellPlan(
        name=case.name,
        frames_in=[_beats(BeatFormat(kind, node.in_lanes), x) for kind, x in zip(case.ins, values, strict=True)],
        frames_out=[_beats(BeatFormat(kind, node.out_lanes), y) for kind, y in zip(case.outs, node.execute(values), strict=True)],
        made=(unstalled(timings, free_frames)[1] + (node.pipeline.cycles if node.pipeline else 0)).tolist(),
        interval=max(timing.interval for timing in timings),
        free_frames=free_frames,
    )


def random_frames(kind: StreamType, frames: int, rng: np.random.Generator) -> IntArray:
    """Frames ``(N, *shape)`` of any values of the type; the first two hold only its extremes."""
    low, high = kind.dtype.minimum, kind.dtype.maximum
    shape = (frames, *kind.shape)
    extremes = np.where(rng.integers(0, 2, shape) > 0, high, low)
    if kind.dtype.bipolar:
        return extremes
    values = rng.integers(low, high, shape, dtype=np.int64, endpoint=True)
    values[:2] = extremes[:2]
    return values


def _beats(form: BeatFormat, values: IntArray) -> list[list[int]]:
    return [[int.from_bytes(beat.tobytes(), "little") for beat in frame] for frame in form.pack(values)]
