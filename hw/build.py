"""A build folder: what compiling wrote, opened and checked again before anything uses it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from xnorflow import __version__
from xnorflow.errors import BadInputError
from xnorflow.hw.chain import FloatChain
from xnorflow.hw.estimate.report import Estimate
from xnorflow.hw.folding.next_step import NextStep
from xnorflow.hw.graph import Graph
from xnorflow.hw.serialise import graph_from_json
from xnorflow.pixels import PixelNorm
from xnorflow.records import parse_json

BUILD_FORMAT = 1
MANIFEST, GRAPH, ESTIMATE, MODEL, TOP = "manifest.json", "graph.json", "estimate.json", "model.onnx", "top"


@dataclass(frozen=True)
class Build:
    """A compiled network on disk; :meth:`open` checks it, the properties read it.

    Attributes:
        folder: where it lies; tools run with it as working directory.
        manifest: what ``manifest.json`` holds.
    """

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Build:
        """Open a build folder and check every file's hash.

        Raises:
            BadInputError: no build folder, made by another version, or a file is missing, changed, or added to the hardware's.
        """
        folder = Path(folder)
        manifest = _read_manifest(folder)
        made_by, made_format = manifest["xnorflow"], manifest["format"]
        if (made_by, made_format) != (__version__, BUILD_FORMAT):
            raise BadInputError(
                f"build folder {folder} was made by xnorflow {made_by} (format {made_format}); "
                f"this is {__version__} (format {BUILD_FORMAT}): compile the model again"
            )
        for name, expected in manifest["files"].items():
            if file_hash(folder / name) != expected:
                raise BadInputError(f"build folder {folder}: {name} is missing or has changed since it was compiled; compile the model again")
        for part in ("rtl", "xc7", "mem"):
            for path in sorted((folder / part).glob("*")):
                if f"{part}/{path.name}" not in manifest["files"]:
                    raise BadInputError(f"build folder {folder}: {part}/{path.name} was not made by compiling; remove it")
        return cls(folder, manifest)

    @cached_property
    def graph(self) -> Graph:
        """The folded dataflow graph."""
        return graph_from_json((self.folder / GRAPH).read_text(encoding="utf-8"), str(self.folder / GRAPH))

    @cached_property
    def tail(self) -> FloatChain:
        """What the host computes from the hardware's integers: float32 logits."""
        return FloatChain.from_json(self.manifest["host"]["after"])

    @cached_property
    def pixel_norm(self) -> PixelNorm:
        """The normalisation of pixels that is folded into the hardware."""
        return PixelNorm.from_json(json.dumps(self.manifest["pixel_norm"]))

    @cached_property
    def next_step(self) -> NextStep | None:
        """What holds the folding back, and what the next faster one takes; None in a build that does not say so."""
        record = self.manifest.get("next_step")
        return None if record is None else NextStep.from_json(record)

    @cached_property
    def estimate(self) -> Estimate:
        """Cycles, latency and resources."""
        return Estimate.loads((self.folder / ESTIMATE).read_text(encoding="utf-8"), str(self.folder / ESTIMATE))


def file_hash(path: Path) -> str:
    """SHA-256 of a file in hex; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise BadInputError(f"{folder} is no build folder: it has no {MANIFEST}; `xnorflow compile` makes one")
    try:
        manifest: dict[str, Any] = parse_json(path.read_text(encoding="utf-8"), str(path))
        complete = (
            all(key in manifest for key in ("xnorflow", "format", "pixel_norm", "head", "folding"))
            and isinstance(manifest["notes"], dict)
            and isinstance(manifest["host"]["after"], list)
            and all(isinstance(value, str) for value in manifest["files"].values())
            and {GRAPH, ESTIMATE, f"{TOP}.v"} <= set(manifest["files"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    if not complete:
        raise BadInputError(f"{path} is damaged: an entry is missing or of another type")
    return manifest
