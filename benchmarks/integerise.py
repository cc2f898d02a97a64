"""What integers cost: residual networks of every family, trained on digits, before and after ``integerise``, on three seeds.

    python benchmarks/integerise.py [--work DIR] [--seeds N] [--fine-tune-epochs N] [--lr LR] [--out benchmarks/results/integerise-digits.json]

Trains each network (12 epochs; a checkpoint that is in DIR already is taken), makes integers of it, exports it, and compares QONNX with PyTorch
on every test image, logits with ``==``.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch start their threads

import argparse
import json
import statistics
import tempfile
import warnings
from pathlib import Path
from typing import Any

import yaml
from provenance import provenance

from xnorflow.flows.export import export
from xnorflow.flows.integerise import integerise
from xnorflow.flows.train import train
from xnorflow.qat.checkpoint import reached
from xnorflow.qat.data.sources import load_split

# Network, factor of its widths, scale of its weights.
NETWORKS = (
    ("bireal-20", 0.5, "mean"),
    ("reactnet-20", 0.5, "mean"),
    ("recu-18", 0.125, "learned"),
    ("real-to-binary-18", 0.125, "mean"),
    ("bnext-18", 0.125, "none"),
)


def recipe(name: str, width: float, scale: str, seed: int) -> dict[str, Any]:
    """One training."""
    return {
        "model": {"name": name, "width": width},
        "data": {"source": "digits"},
        "quant": {"weight": "ste", "weight_scale": scale, "activation": "approx-sign"},
        "train": {"epochs": 12, "batch_size": 64, "lr": 0.01, "seed": seed},
    }


def measure(work: Path, name: str, width: float, scale: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train where that is not done, make integers, export, compare."""
    folder = work / f"{name}-{seed}"
    if not ((folder / "last.ckpt").is_file() and reached(folder / "last.ckpt").finished):
        file = work / f"{name}.yaml"
        file.write_text(yaml.safe_dump(recipe(name, width, scale, seed)))
        train(str(file), folder)
    result = integerise(folder / "last.ckpt", folder / "integers", fine_tune_epochs=given.fine_tune_epochs, settings=[f"fine_tune.lr={given.lr}"])
    images = 2 * len(load_split("digits", "test"))
    proof = export(result.checkpoint, folder / "integers" / "net.onnx", images=images)
    figures = {"seed": seed} | {each.step.partition(",")[0]: round(each.accuracy, 4) for each in result.steps}
    nearest, saturated = result.report.nearest, result.report.most_saturated
    return figures | {
        "images_equal_in_qonnx": proof.images,
        "nearest_to_2^24": {"step": nearest.name, "share": round(nearest.worst / nearest.limit, 4)},
        "most_saturated": {"step": saturated.name, "share": round(saturated.share, 6)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fine-tune-epochs", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        networks = {}
        for name, width, scale in NETWORKS:
            runs = [measure(work, name, width, scale, seed, given) for seed in range(given.seeds)]
            means = {step: round(statistics.mean(run[step] for run in runs), 4) for step in runs[0] if isinstance(runs[0][step], float)}
            networks[f"{name} x{width:g}"] = {"mean_accuracy": means, "runs": runs}
            print(name, means, flush=True)
    settings = {"fine_tune_epochs": given.fine_tune_epochs, "lr": given.lr, "bits": "default: stream 9, gates 8/8"}
    text = json.dumps({"provenance": provenance(), "settings": settings, "networks": networks}, indent=2)
    if given.out is not None:
        given.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
