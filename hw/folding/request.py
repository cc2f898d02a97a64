"""What a user may ask of the folding: a speed, an area, every layer by hand, or nothing (the smallest hardware)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError, FoldingError
from xnorflow.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_CLOCK_MHZ = 100.0
MAX_CLOCK_MHZ = 1e6


@dataclass(frozen=True)
class FoldingRequest:
    """At most one of ``fps``, ``max_luts`` and ``layers``; none of them means one PE and one SIMD everywhere.

    Attributes:
        fps: frames a second to reach at ``clock_mhz``.
        max_luts: estimated xc7 LUTs not to exceed; the fastest such folding is chosen.
        layers: FINN's folding record, ``{"Defaults": {}, "<layer>": {"PE": 4, "SIMD": 8}}``.
        max_brams: estimated BRAM18 not to exceed, whatever the folding; a build over them is refused.
        clock_mhz: clock of the hardware, also of the estimates; at most :data:`MAX_CLOCK_MHZ`.
    """

    fps: float | None = None
    max_luts: int | None = None
    layers: Mapping[str, Any] | None = None
    clock_mhz: float = DEFAULT_CLOCK_MHZ
    max_brams: int | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("fps", "max_luts", "layers") if getattr(self, name) is not None]
        if len(given) > 1:
            raise FoldingError(f"folding is given by {' and '.join(given)}; one of fps, max_luts and layers is accepted")
        if not 0 < self.clock_mhz <= MAX_CLOCK_MHZ:
            raise FoldingError(f"clock {self.clock_mhz} MHz is not a positive frequency of at most {MAX_CLOCK_MHZ:g} MHz")
        if self.fps is not None and not (math.isfinite(self.fps) and self.fps > 0):
            raise FoldingError(f"target {self.fps} fps is not a positive rate")
        if self.fps is not None and not math.isfinite(self.clock_mhz * 1e6 / self.fps):
            raise FoldingError(f"target {self.fps} fps at {self.clock_mhz} MHz leaves more cycles a frame than can be counted")
        if self.max_luts is not None and self.max_luts < 1:
            raise FoldingError(f"target of {self.max_luts} LUTs is not positive")
        if self.max_brams is not None and self.max_brams < 0:
            raise FoldingError(f"budget of {self.max_brams} BRAM18 is negative")

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
