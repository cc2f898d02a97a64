"""The training methods' acceptance figures on scikit-learn's digits, on three seeds: recorded, and shown in docs/acceptance.md.

    python benchmarks/acceptance.py

A few minutes a seed on one core; --jobs trains so many recipes at a time. A run that was interrupted goes on where it
stopped, unless the code has changed since. The tests in tests/qat/acceptance measure the same rows anew.
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
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acceptance_rows import ROWS, curves
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
REASONS = """
## What the figures hang on

Each can be seen by changing one setting of a recipe in `benchmarks/acceptance/` (seed 0, measured once):

- **Where real weights start.** From `latents: uniform`, in [-1, 1], they hardly turn at usual rates. Stage 0 of Real-to-Binary, 10 epochs: the
  attention distance ends at 0.62 of its control's with weight 1 and at 0.48 with weight 5; from `kaiming-normal` and with weight 5 at 0.36.
  Kurtosis begins at 1.8 there, not at 3, so that nothing could be said of a control.
- **What Adam remembers.** BNext's weights start at 1e-3, and while its temperature is near 1 their gradients are a thousand times those of
  signs. Adam's average of squares lasts a thousand steps: with `betas: [0.9, 0.999]` a training of 16 epochs of 22 steps all but stops flipping
  (0.2 % an epoch) and ends at 75 %, with `[0.9, 0.95]` at 95 %. The published trainings have thousands of steps an epoch, and clip gradients.
- **How binary is binary.** BNEW's freeze moved the accuracy by up to 2 points in either direction when 99.9 % of the weights were near one
  (20 epochs, frozen after 16), and by nothing when all were (24, frozen after 21): in so small a network the rest decide many ties.
- **Proximal operators need time.** In 10 epochs they fix the signs within the first one or two, which costs the accuracy shown; the weights
  are binary all the same.
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
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    given = parser.parse_args()
    if not given.page:
        record = _measured(_earlier(), given.jobs)
        if failed := broken(record):
            raise SystemExit("not met: " + "; ".join(failed))
    PAGE.write_text(page(json.loads(RESULT.read_text(encoding="utf-8"))), encoding="utf-8")


def broken(record: dict[str, Any]) -> list[str]:
    """Acceptance figures of a record that are not met, in words."""
    return [
        f"{row.name}, seed {seed}: {bound.figure} is {figures[bound.figure]:.6g}, accepted is {bound.text()}"
        for row in ROWS
        for seed, figures in sorted(record["rows"][row.name].items())
        for bound in row.bounds
        if not bound.holds(figures)
    ]


def page(record: dict[str, Any]) -> str:
    """The page of a record as Markdown."""
    parts = [INTRODUCTION]
    for row in ROWS:
        seeds = [figures for _, figures in sorted(record["rows"][row.name].items())]
        lines = ["| figure | mean | range | accepted |", "|---|---|---|---|"]
        for figure in seeds[0]:
            values = [seed[figure] for seed in seeds]
            accepted = ", ".join(bound.text() for bound in row.bounds if bound.figure == figure)
            lines.append(f"| {figure} | {_short(sum(values) / len(values))} | {_short(min(values))} to {_short(max(values))} | {accepted} |")
        parts.append(f"## {row.title()}\n\n" + "\n".join(lines) + "\n\n")
    parts.append("## By the epoch, seed 0\n\n| curve | epochs 1, 2, ... |\n|---|---|\n")
    parts += [f"| {name} | {' '.join(_short(value) for value in values)} |\n" for name, values in sorted(record["curves"].items())]
    made = f"\nMeasured {record['date']} at commit {record['commit'][:12]} on {record['machine']}.\n"
    return "".join(parts) + made + REASONS + ELSEWHERE


def _short(value: float) -> str:
    return f"{value:.3g}" if value else "0"


def _earlier() -> dict[str, Any]:
    if RESULT.is_file():
        record: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
        if record["commit"] == commit():
            return record
    return {"seconds": 0, "rows": {}, "curves": {}}


def _measured(record: dict[str, Any], jobs: int) -> dict[str, Any]:
    """The record with every row and seed; written after each, so that nothing measured is lost."""
    begin, before = time.perf_counter(), record["seconds"]
    known = {(row.name, int(seed)) for row in ROWS for seed in record["rows"].get(row.name, ())}
    left = sorted({(seed, row.recipe) for row in ROWS for seed in SEEDS if (row.name, seed) not in known})
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed(pool.submit(_figures, recipe, seed) for seed, recipe in left):
            for name, seed, figures in done.result().figures:
                record["rows"].setdefault(name, {})[str(seed)] = figures
                print(f"seed {seed}, {name}: {json.dumps(figures)}", file=sys.stderr)
            record["curves"] |= done.result().curves
            record = {**provenance(), **record, "seconds": round(before + time.perf_counter() - begin)}
            _write(record)
    return record


@dataclass(frozen=True)
class _Done:
    figures: list[tuple[str, int, dict[str, float]]]
    curves: dict[str, list[float]]


def _figures(recipe: str, seed: int) -> _Done:
    """The rows of a recipe, from one training."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(Path(folder))
        figures = [(row.name, seed, row.measure(runs, seed)) for row in ROWS if row.recipe == recipe]
        return _Done(figures, curves(runs, recipe, seed) if seed == SEEDS[0] else {})


def _write(record: dict[str, Any]) -> None:
    partial = RESULT.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    partial.replace(RESULT)


if __name__ == "__main__":
    main()
