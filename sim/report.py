"""What a verification found, as data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LinkReport:
    """One link of the chain, compared with the interpreter by ``==``.

    Attributes:
        images: compared; 0 where the link did not run.
        compared: what was compared, such as ``integers`` or ``float logits``.
        reason: why the link did not run on (all) images, or whose cells the gates are; empty where there is nothing to say.
        rounded: what a model file with rounded float sums makes otherwise than exactly, within the proven bound: elements
            of all streams (QONNX) or decisions (PyTorch). 0 for an exact file, where it would be a difference.
    """

    images: int
    compared: str
    reason: str = ""
    rounded: int = 0

    @property
    def status(self) -> str:
        """``equal``, ``within rounding`` (see ``rounded``) or ``not run``; a difference is a CheckFailedError, never a report."""
        if not self.images:
            return "not run"
        return "within rounding" if self.rounded else "equal"


@dataclass(frozen=True)
class RtlFigures:
    """What the simulation measured.

    Attributes:
        frames: streamed, over all runs and resets (all images once, half of them a second time).
        resets: resets in mid-frame, one a process, each followed by all images of that process.
        cycles: clock cycles simulated, over all processes.
        cycles_per_image: mean distance of two frames' last beats, back to back, once the pipeline is full; None below 2 images.
        latency: cycles from the first beat in to the first frame's last beat out.
        estimate_cycles, estimate_latency: what the build estimates.
        compile_seconds: wall time of compiling the model; almost nothing when the build was verified before.
        seconds: wall time of the simulation.
        images_per_second: frames streamed a second of wall time.
    """

    frames: int
    resets: int
    cycles: int
    cycles_per_image: float | None
    latency: int | None
    estimate_cycles: int
    estimate_latency: int
    compile_seconds: float
    seconds: float
    images_per_second: float

    @property
    def deviation_percent(self) -> float | None:
        """Measured against estimated cycles per image."""
        if self.cycles_per_image is None:
            return None
        return 100.0 * (self.cycles_per_image / self.estimate_cycles - 1.0)


@dataclass(frozen=True)
class VerifyReport:
    """A verification without a difference.

    Attributes:
        build: the folder.
        images: put through the chain.
        source: where they come from.
        engine: ``verilator``, ``cocotb`` or ``gates``.
        stalls: whether input gaps and output stalls were drawn; then cycles are not comparable with the estimate.
        seed: of the stalls, the state that no reset touches, and random images.
        links: name -> result.
        rtl: figures of the simulation, or None with cocotb.
    """

    build: str
    images: int
    source: str
    engine: str
    stalls: bool
    seed: int
    links: dict[str, LinkReport]
    rtl: RtlFigures | None

    def to_json(self) -> dict[str, Any]:
        """All fields and derived figures, ready for ``json.dumps``."""
        record = dataclasses.asdict(self)
        for name, link in self.links.items():
            record["links"][name]["status"] = link.status
        if self.rtl is not None:
            record["rtl"]["deviation_percent"] = self.rtl.deviation_percent
        return record
