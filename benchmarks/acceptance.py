"""The training methods' acceptance figures on scikit-learn's digits, on three seeds: recorded, and shown in docs/acceptance.md.

    python benchmarks/acceptance.py

About 100 seconds a seed on one idle core. A run that was interrupted goes on where it stopped, unless the code has changed since.
The tests in tests/qat/acceptance measure the same rows anew.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch start their threads

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from acceptance_rows import ROWS, Bound, Row, curves
from acceptance_runs import Runs
from provenance import commit, provenance

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "benchmarks" / "results" / "acceptance-digits.json"
PAGE = ROOT / "docs" / "acceptance.md"
SEEDS = (0, 1, 2)
INTRODUCTION = """# What the training methods do, measured

Written by `python benchmarks/acceptance.py` from `benchmarks/results/acceptance-digits.json`; a test keeps it current, and the tests in
`tests/qat/acceptance` train everything anew. Each row is one of the recipes in `benchmarks/acceptance/`, on scikit-learn's digits (1437
images of 8x8 pixels, 360 to test) with narrow networks, so the figures say whether a mechanism works and nothing about its worth on other
data: with 360 images an accuracy is uncertain by 1.5 points. Every acceptance holds on every seed.

"""
ELSEWHERE = """
## Proved without training

| what | where |
|---|---|
| gradients of every surrogate at the points of a published table | `tests/qat/binarisers/test_gradients.py` |
| the same through whole blocks, against formulas that torch differentiates | `tests/qat/acceptance/test_block_gradients.py` |
| BNext's table of knowledge complexity, ten teachers to 0.002 | `tests/qat/distill/test_complexity.py` |
| APD's closed form against `torch.distributions`, and that its 1/s changes it by exactly s | `tests/qat/distill/test_distribution.py` |
| operations, parameters and sizes of the networks | [What the networks cost](cost-table.md) |
| QONNX computes PyTorch's bits, of the networks trained here on all 360 images | `tests/qat/acceptance/test_export.py` |
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", action="store_true", help="write the page from the record, without measuring")
    given = parser.parse_args()
    if not given.page:
        warnings.simplefilter("ignore")
        record = _measured(_earlier())
        if failed := broken(record):
            raise SystemExit("not met: " + "; ".join(failed))
    PAGE.write_text(page(json.loads(RESULT.read_text(encoding="utf-8"))), encoding="utf-8")


def broken(record: dict[str, Any]) -> list[str]:
    """Acceptance figures of a record that are not met, in words."""
    return [
        f"{row.name}, seed {seed}: {bound.figure} is {figures[bound.figure]:.6g}, accepted is {bound.text()}"
        for row in ROWS
        for seed, figures in record["rows"][row.name].items()
        for bound in row.bounds
        if not bound.holds(figures)
    ]


def page(record: dict[str, Any]) -> str:
    """The page of a record as Markdown."""
    parts = [INTRODUCTION]
    for row in ROWS:
        seeds = list(record["rows"][row.name].values())
        lines = ["| figure | mean | range | accepted |", "|---|---|---|---|"]
        for figure in seeds[0]:
            values = [seed[figure] for seed in seeds]
            accepted = ", ".join(bound.text() for bound in row.bounds if bound.figure == figure)
            lines.append(f"| {figure} | {_short(sum(values) / len(values))} | {_short(min(values))} to {_short(max(values))} | {accepted} |")
        parts.append(f"## {row.title()}\n\n" + "\n".join(lines) + "\n\n")
    parts.append("## By the epoch, seed 0\n\n| curve | epochs 1, 2, ... |\n|---|---|\n")
    parts += [f"| {name} | {' '.join(_short(value) for value in values)} |\n" for name, values in record["curves"].items()]
    made = f"\nMeasured {record['date']} at commit {record['commit'][:12]} on {record['machine']}, {record['seconds']} s in all.\n"
    return "".join(parts) + made + ELSEWHERE


def _short(value: float) -> str:
    return f"{value:.3g}" if value else "0"


def _earlier() -> dict[str, Any]:
    if RESULT.is_file():
        record: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
        if record["commit"] == commit():
            return record
    return {"seconds": 0, "rows": {}, "curves": {}}


def _measured(record: dict[str, Any]) -> dict[str, Any]:
    """The record with every row and seed; written after each, so that nothing measured is lost."""
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder))
        for seed in SEEDS:
            for row in ROWS:
                begin = time.perf_counter()
                known = record["rows"].setdefault(row.name, {})
                if str(seed) in known:
                    continue
                known[str(seed)] = row.measure(runs, seed)
                _tell(row, seed, known[str(seed)])
                record = {**provenance(), **record, "seconds": round(record["seconds"] + time.perf_counter() - begin)}
                _write(record)
        if not record["curves"]:
            record["curves"] = curves(runs, SEEDS[0])
            _write(record)
    return record


def _tell(row: Row, seed: int, figures: dict[str, float]) -> None:
    def marked(bound: Bound) -> str:
        return f"{bound.figure} {figures[bound.figure]:.4g} ({bound.text()}{'' if bound.holds(figures) else ': NOT MET'})"

    print(f"seed {seed}, {row.name}: {', '.join(marked(bound) for bound in row.bounds)}", file=sys.stderr)


def _write(record: dict[str, Any]) -> None:
    partial = RESULT.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    partial.replace(RESULT)


if __name__ == "__main__":
    main()
