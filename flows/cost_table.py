"""The costs of the published networks beside the figures their papers print, as a page of the documentation.

``python -m xnorflow.flows.cost_table docs/cost-table.md`` writes the page; a test compares it with the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError, XnorflowError

if TYPE_CHECKING:
    from xnorflow.models import Cost

IMAGENET = (3, 224, 224)
IMAGENET_CLASSES = 1000
# Where a real-valued layer stands, by a word of its name; the order is that of the table.
PARTS = ("stem", "fc", "shortcut", "gate")


@dataclass(frozen=True)
class Entry:
    """One row: a network of the registry, and what its papers print.

    Attributes:
        name: architecture.
        options: its switches.
        image: ``(C, H, W)``.
        classes: logits.
        paper: the papers' figures, in words; empty if they print none.
    """

    name: str
    paper: str = ""
    options: tuple[str, ...] = ()
    image: tuple[int, int, int] = IMAGENET
    classes: int = IMAGENET_CLASSES


ENTRIES = (
    Entry("bnext-t", "4.82 G BOPs, 0.88e8 OPs, 13.3 MB"),
    Entry("bnext-s", "10.84 G BOPs, 1.90e8 OPs, 26.7 MB"),
    Entry("bnext-m", "20.09 G BOPs, 3.38e8 OPs, 46.5 MB"),
    Entry("bnext-l", "52.15 G BOPs, 8.54e8 OPs, 106.1 MB"),
    Entry("bnext-18", "1.68 G BOPs, 1.64e8 OPs, 5.4 MB"),
    Entry("reactnet-a", "4.82 G BOPs, 0.12e8 FLOPs, 0.87e8 OPs; 7.4 MB (*)"),
    Entry("reactnet-18", "1.68 G BOPs; 1.89e8 OPs (*)"),
    Entry("reactnet-34"),
    Entry("bireal-18", "1.68 G BOPs, 1.39e8 FLOPs, 1.63e8 or 1.65e8 OPs, 4.2 MB"),
    Entry("bireal-18", "", ("shortcut=pool-binary",)),
    Entry("bireal-34", "3.53 G BOPs, 1.39e8 FLOPs, 1.94e8 OPs; 5.1 MB (*)"),
    Entry("real-to-binary-18", "1.676 G BOPs, 5.1 MB; 1.564e8 FLOPs (*)"),
    Entry("real-to-binary-18", "", ("shortcut=pool-binary",)),
    Entry("real-to-binary-18-baseline"),
    Entry("recu-34"),
    Entry("bnn-resnet-18", "FLOPs (*)"),
    Entry("bnn-resnet-18", "FLOPs (*)", ("shortcut=stride-real",)),
    Entry("xnor-resnet-18", "FLOPs (*)"),
    Entry("resnet-18", "1.826e9 FLOPs with batch norms and pools"),
    Entry("resnet-34"),
    Entry("bnext-t", "", (), (3, 32, 32), 100),
    Entry("bnext-18", "", (), (3, 32, 32), 100),
)
QUANTISED = ("bnext-t", "bnext-s", "bnext-m", "bnext-l", "bnext-18")


@dataclass(frozen=True)
class Row:
    """What one entry costs.

    Attributes:
        entry: what was counted.
        bops: binary multiply-accumulates.
        real: other multiply-accumulates in stem, classifier, skip paths, gates, and elsewhere.
        ops: ``bops / 64`` plus all of ``real``.
        parameters: trainable ones that are used.
        unused: further ones that the published code declares and never uses; not in ``size_bytes``.
        binary_weights: parameters of one bit.
        size_bytes: storage.
        quantised_size_bytes: storage with 8-bit stem, skip paths and classifier, 4-bit gates.
    """

    entry: Entry
    bops: int
    real: dict[str, int]
    ops: float
    parameters: int
    unused: int
    binary_weights: int
    size_bytes: float
    quantised_size_bytes: float

    @property
    def quantised_ops(self) -> float:
        """``bops / 64`` plus an eighth of the others, as BNext counts 8-bit operations."""
        return self.bops / 64 + sum(self.real.values()) / 8


@dataclass(frozen=True)
class CostTable:
    """The rows in order."""

    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"rows": [asdict(row) for row in self.rows]}


def cost_table(entries: Iterable[Entry] = ENTRIES) -> CostTable:
    """Count every entry; nothing is allocated."""
    return CostTable(tuple(_row(entry) for entry in entries))


def write_cost_table(path: Path) -> CostTable:
    """Count, and write the page to ``path``.

    Raises:
        BadInputError: the file cannot be written.
    """
    from xnorflow.flows.cost_page import page

    table = cost_table()
    try:
        path.write_text(page(table), encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{path} cannot be written: {error.strerror}") from error
    return table


def _row(entry: Entry) -> Row:
    from xnorflow.models import cost

    figures = cost(entry.name, input_shape=entry.image, num_classes=entry.classes, options=entry.options)
    real = dict.fromkeys((*PARTS, "other"), 0)
    for layer in figures.layers:
        if not layer.binary:
            real[_part(layer.name)] += layer.macs
    return Row(
        entry=entry,
        bops=figures.bops,
        real=real,
        ops=figures.ops,
        parameters=figures.parameters,
        unused=_unused(entry),
        binary_weights=figures.binary_weights,
        size_bytes=figures.size_bytes,
        quantised_size_bytes=_quantised_size(figures),
    )


def _part(name: str) -> str:
    words = name.split(".")
    if "attention" in words:
        return "gate"
    return next((part for part in PARTS if part in words), "other")


def _quantised_size(figures: Cost) -> float:
    saved = sum(layer.weights * (4 - (4 if _part(layer.name) == "gate" else 8) / 8) for layer in figures.layers if not layer.binary)
    return figures.size_bytes - saved


def _unused(entry: Entry) -> int:
    """Slopes the published BNext code makes: of a PReLU in the stem of T to L, and of one in each unit without attention."""
    import torch

    from xnorflow.models import build
    from xnorflow.models.blocks.bnext import BNextUnit

    with torch.device("meta"):
        network = build(entry.name, input_shape=entry.image, num_classes=entry.classes, options=entry.options)
    units = [unit for unit in network.modules() if isinstance(unit, BNextUnit)]
    slopes = sum(unit.conv.in_channels for unit in units if unit.activation is None)
    stem = network.get_submodule("stem.conv")
    assert isinstance(stem, torch.nn.Conv2d)
    return slopes + stem.out_channels if units and entry.name != "bnext-18" else slopes


def main(arguments: list[str]) -> int:
    """Write the page to the one path given; the exit code, 2 where that is impossible, with the reason on standard error."""
    try:
        if len(arguments) != 1:
            raise BadInputError(f"{len(arguments)} arguments; one is expected, the file to write: docs/cost-table.md")
        write_cost_table(Path(arguments[0]))
    except XnorflowError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
