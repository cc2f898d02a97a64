"""A deployment folder: what a board needs to run a network, and nothing of the compiler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xnorflow.errors import BadInputError
from xnorflow.hw.chain import FloatChain
from xnorflow.hw.graph import StreamType
from xnorflow.hw.types import IntType
from xnorflow.records import parse_json
from xnorflow.sim.packing import BeatFormat

SETTINGS = "settings.json"
FORMAT = 1


@dataclass(frozen=True)
class Deployment:
    """What ``settings.json`` of a network in the AXI DMA shell says.

    Attributes:
        bitfile: name of the bitstream in the folder; the ``.hwh`` of the same stem lies beside it.
        source, sink: the beats of the network's input and output, as they lie in the DMA's buffers.
        labels: whether the network's output is a label rather than logits.
        tail: what the host computes from the network's integers.
        clock_mhz: clock of the network.
        interval: cycles an image, the DMA's share included.
    """

    bitfile: str
    source: BeatFormat
    sink: BeatFormat
    labels: bool
    tail: FloatChain
    clock_mhz: float
    interval: int

    def to_json(self) -> dict[str, Any]:
        """The record as plain types."""
        return {
            "format": FORMAT,
            "shell": "axi-dma",
            "bitfile": self.bitfile,
            "input": _port(self.source),
            "output": _port(self.sink),
            "labels": self.labels,
            "tail": self.tail.to_json(),
            "clock_mhz": self.clock_mhz,
            "interval": self.interval,
        }

    @classmethod
    def of(cls, record: dict[str, Any], source: str) -> Deployment:
        """Read what :meth:`to_json` made.

        Args:
            record: the JSON object.
            source: what an error message calls it.

        Raises:
            BadInputError: it is of another format, or an entry is missing or of another type.
        """
        if record.get("format") != FORMAT or record.get("shell") != "axi-dma":
            given = f"format {record.get('format')!r}, shell {record.get('shell')!r}"
            raise BadInputError(f"{source} is of {given}; format {FORMAT}, shell 'axi-dma' is accepted")
        try:
            name, clock, interval = str(record["bitfile"]), float(record["clock_mhz"]), int(record["interval"])
            if Path(name).name != name or not name.endswith(".bit") or clock <= 0 or interval < 1:
                raise ValueError(f"bitfile {name!r}, {clock:g} MHz, {interval} cycles an image")
            ends = _beats(record["input"]), _beats(record["output"])
            return cls(name, *ends, bool(record["labels"]), FloatChain.from_json(record["tail"]), clock, interval)
        except (BadInputError, KeyError, TypeError, ValueError) as error:
            raise BadInputError(f"{source} is damaged: {type(error).__name__}: {error}") from error


def read_settings(folder: Path) -> tuple[dict[str, Any], Path]:
    """The settings of a deployment, of the AXI DMA shell or of FINN+, and the file that holds them.

    Raises:
        BadInputError: the folder holds none, or they cannot be read.
    """
    for path in (folder / SETTINGS, folder / "driver" / SETTINGS):
        if path.is_file():
            record = parse_json(path.read_text(encoding="utf-8"), str(path))
            if not isinstance(record, dict):
                raise BadInputError(f"{path} is damaged: it holds no object")
            return record, path
    raise BadInputError(f"{folder} is no deployment: it has neither {SETTINGS} nor driver/{SETTINGS}; `xnorflow shell` and FINN+ make one")


def _port(beats: BeatFormat) -> dict[str, Any]:
    return {"shape": list(beats.kind.shape), "type": beats.kind.dtype.name, "lanes": beats.lanes}


def _beats(record: dict[str, Any]) -> BeatFormat:
    kind = StreamType(tuple(int(d) for d in record["shape"]), IntType.parse(record["type"]))
    lanes = int(record["lanes"])
    if lanes < 1 or kind.size % lanes:
        raise ValueError(f"{lanes} lanes do not divide the {kind.size} elements of a frame")
    return BeatFormat(kind, lanes)
