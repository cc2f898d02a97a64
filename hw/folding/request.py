"""What a user may ask of the folding: a speed, an area, every layer by hand, or nothing (the smallest hardware)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError, FoldingError
from xnorflow.hw.folding.solve import Budget
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_CLOCK_MHZ = 100.0
MAX_CLOCK_MHZ = 1e6


@dataclass(frozen=True)
class FoldingRequest:
    """At most one of ``fps`` and ``layers``; without them the fastest folding of ``max_luts``, or one PE and one SIMD everywhere.

    Attributes:
        fps: frames a second to reach at ``clock_mhz``.
        max_luts: estimated xc7 LUTs not to exceed.
        layers: FINN's folding record, ``{"Defaults": {}, "<layer>": {"PE": 4, "SIMD": 8}}``.
        max_brams, max_dsps, max_ffs: estimated BRAM18, DSPs and flip-flops not to exceed, whatever is asked for besides.
        clock_mhz: clock of the hardware, also of the estimates; at most :data:`MAX_CLOCK_MHZ`.
    """

    fps: float | None = None
    max_luts: int | None = None
    layers: Mapping[str, Any] | None = None
    clock_mhz: float = DEFAULT_CLOCK_MHZ
    max_brams: int | None = None
    max_dsps: int | None = None
    max_ffs: int | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("fps", "layers") if getattr(self, name) is not None]
        if len(given) > 1:
            raise FoldingError(f"folding is given by {' and '.join(given)}; one of them is accepted")
        if not 0 < self.clock_mhz <= MAX_CLOCK_MHZ:
            raise FoldingError(f"clock {self.clock_mhz} MHz is not a positive frequency of at most {MAX_CLOCK_MHZ:g} MHz")
        if self.fps is not None and not (math.isfinite(self.fps) and self.fps > 0):
            raise FoldingError(f"target {self.fps} fps is not a positive rate")
        if self.fps is not None and not math.isfinite(self.clock_mhz * 1e6 / self.fps):
            raise FoldingError(f"target {self.fps} fps at {self.clock_mhz} MHz leaves more cycles a frame than can be counted")
        if self.max_luts is not None and self.max_luts < 1:
            raise FoldingError(f"target of {self.max_luts} LUTs is not positive")
        for budget, what in ((self.max_brams, "BRAM18"), (self.max_dsps, "DSPs"), (self.max_ffs, "flip-flops")):
            if budget is not None and budget < 0:
                raise FoldingError(f"budget of {budget} {what} is negative")

    @property
    def budget(self) -> Budget:
        """All limits on resources."""
        return Budget(self.max_luts, self.max_ffs, self.max_brams, self.max_dsps)

    @property
    def seeks_fastest(self) -> bool:
        """Whether the fastest folding within the budget is asked for."""
        return self.max_luts is not None and self.fps is None and self.layers is None

    @property
    def target_interval(self) -> int | None:
        """Cycles a frame that the asked frame rate allows; None where no rate was asked; below 1 is unreachable."""
        return None if self.fps is None else math.floor(self.clock_mhz * 1e6 / self.fps)

    @classmethod
    def from_file(cls, path: Path, clock_mhz: float = DEFAULT_CLOCK_MHZ) -> FoldingRequest:
        """Read a folding record in FINN's JSON format.

        Raises:
            BadInputError: the file cannot be read or is no JSON object.
        """
        if path.exists() and not path.is_file():
            raise BadInputError(f"folding file {path} is a folder or a device; a JSON file is accepted")
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BadInputError(f"folding file {path} cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise BadInputError(f"folding file {path} is not UTF-8 text") from error
        record = parse_json(text, f"folding file {path}")
        if not isinstance(record, dict):
            raise BadInputError(f"folding file {path} holds a {type(record).__name__}; a JSON object of layers is accepted")
        return cls(layers=record, clock_mhz=clock_mhz)
