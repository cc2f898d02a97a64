"""The page that shows the cost table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xnorflow.flows import cost_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xnorflow.flows.cost_table import CostTable, Row

MIB = 2**20
INTRODUCTION = """# What the networks cost

Written by `python -m xnorflow.flows.cost_table docs/cost-table.md`; a test keeps it current. `xnorflow cost NAME` counts one network at any size.

Counted are multiply-accumulates of convolutions and matrix products on one image: BOPs where weights and activations are both
binary, FLOPs all others, OPs = BOPs / 64 + FLOPs. Batch norms, activations, shifts and pools are not counted. A binary weight takes
one bit, every other trainable parameter four bytes; 1 MiB is 2^20 bytes. Images are 224x224 with 1000 classes unless the name says otherwise.

## Published networks

`FLOPs` lists stem / classifier / skip paths / gates / other layers. `unused` are parameters that the published code declares but never
uses; ours do not exist, and neither the parameters nor the size counts them. (*) is explained below.

"""
QUANTISED = """
## BNext after quantisation

Stem, classifier and skip paths with 8-bit weights, gates with 4-bit ones, everything that is no matrix in 32 bits; 8-bit activations.
QOPs are multiply-accumulates of the quantised layers, OPs = BOPs / 64 + QOPs / 8. The papers' sizes are 2 to 3 % below ours: which bits
they give batch norms and PReLUs is not said.

"""
NOTES = """
## Figures of the papers that cannot be reproduced

- **FLOPs in table 1 of Real-to-Binary** (1.314, 1.333, 1.351, 1.544, 1.564e8): stem and classifier alone are 1.18526e8, so about 12.87 M are
  counted that no layer explains, batch norms, pools and skips presumably. The differences between rows are reproduced: a real
  downsampling path costs 19.27 M; the gates cost 1.975 M, 0.294 M of matrices and 1.681 M of pool inputs, printed as 2.0 M.
- **QOPs of BNext-18**: 135.2 M are printed, the quantised layers have 138.14 M.
- **Sizes in table 5 of BNext** (4.52 and 5.58 MB): no variant of BNext-T has them. They are presumably sizes after quantisation, and its OPs
  (0.76 and 0.77e8) are.
- **OPs in tables 2 and 3 of BNext**: 1.63e8 for ReActNet's ResNet-18 is named FLOPs and already is OPs, so that
  1.89e8 counts BOPs / 64 twice. "17.86 %" for Bi-Real needs 1.47e8 OPs where table 2 has 1.65e8. "97.81 %" for
  BNext-T uses the OPs after quantisation.
- **FLOPs of BNN and XNOR-Net**: 1.20e8 (BNext), 1.41e8 (APD) and 1.314e8 or 1.333e8 (Real-to-Binary) are three conventions.
- **A column of the BNext repository's README** is headed BOPs (G) and holds OPs in G; **the first "OPs" of table 2 of APD** are BOPs.
- **Sizes of Bi-Real-34 (5.1 MB) and ReActNet-A (7.4 MB)**: neither 10^6 nor 2^20 bytes a MB gives them (5.48 or 5.23, 7.89 or 7.53).
"""


def page(table: CostTable) -> str:
    """The page as Markdown."""
    quantised = [row for row in table.rows if row.entry.name in cost_table.QUANTISED and row.entry.image == cost_table.IMAGENET]
    return INTRODUCTION + _published(table.rows) + QUANTISED + _quantised(quantised) + NOTES


def _published(rows: Iterable[Row]) -> str:
    return _markdown(
        ("network", "BOPs (G)", "FLOPs (M)", "OPs (1e8)", "parameters (M)", "unused", "binary (M)", "MiB", "MB", "papers"),
        (
            (
                _name(row),
                f"{row.bops / 1e9:.4f}",
                " / ".join(f"{macs / 1e6:.2f}" for macs in row.real.values()),
                f"{row.ops / 1e8:.4f}",
                f"{row.parameters / 1e6:.5f}",
                f"{row.unused}",
                f"{row.binary_weights / 1e6:.3f}",
                f"{row.size_bytes / MIB:.4f}",
                f"{row.size_bytes / 1e6:.3f}",
                row.entry.paper,
            )
            for row in rows
        ),
    )


def _quantised(rows: Iterable[Row]) -> str:
    return _markdown(
        ("network", "QOPs (M)", "OPs (1e8)", "MiB"),
        (
            (_name(row), f"{sum(row.real.values()) / 1e6:.3f}", f"{row.quantised_ops / 1e8:.3f}", f"{row.quantised_size_bytes / MIB:.2f}")
            for row in rows
        ),
    )


def _name(row: Row) -> str:
    entry = row.entry
    size = "" if entry.image == cost_table.IMAGENET else f" {entry.image[1]}x{entry.image[2]}, {entry.classes} classes"
    return " ".join((f"{entry.name}{size}", *entry.options))


def _markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
