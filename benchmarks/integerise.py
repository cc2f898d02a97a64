"""What integers cost: residual networks of every family, trained on digits, before and after ``integerise``, on three seeds.

    python benchmarks/integerise.py [--only NAME] [--work DIR] [--seeds N] [--fine-tune-epochs N] [--lr LR]
                                    [--out benchmarks/results/integerise-digits.json]

Trains each network (12 epochs; a checkpoint that is in DIR already is taken, and so are its figures), makes integers of it, exports it, and
compares QONNX with PyTorch on every test image, logits with ``==``. The 360 test images are few: a label that changes is counted as an image won or
lost, and the same is counted over five copies of each with noise on its pixels. A network that is not measured keeps what the record says of it.
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

import numpy as np
import yaml
from provenance import provenance

from xnorflow.flows.export import export
from xnorflow.flows.integerise import StepAccuracy, integerise
from xnorflow.flows.train import train
from xnorflow.qat.checkpoint import load_checkpoint, reached
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.data.split import Split
from xnorflow.qat.training import right_images

# Network, factor of its widths, scale of its weights.
NETWORKS = (
    ("bireal-20", 0.5, "mean"),
    ("reactnet-20", 0.5, "mean"),
    ("recu-18", 0.125, "learned"),
    ("real-to-binary-18", 0.125, "mean"),
    ("bnext-18", 0.125, "none"),
)

COPIES = 5
NOISE = 12  # of 255, standard deviation


def recipe(name: str, width: float, scale: str, seed: int) -> dict[str, Any]:
    """One training."""
    return {
        "model": {"name": name, "width": width},
        "data": {"source": "digits"},
        "quant": {"weight": "ste", "weight_scale": scale, "activation": "approx-sign"},
        "train": {"epochs": 12, "batch_size": 64, "lr": 0.01, "seed": seed},
    }


def measure(work: Path, name: str, width: float, scale: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Train where that is not done, make integers, export, compare; the figures stay in the folder."""
    folder = work / f"{name}-{seed}"
    known = folder / "figures.json"
    if known.is_file():
        found: dict[str, Any] = json.loads(known.read_text())
        return found
    trained = folder / "last.ckpt"
    if not (trained.is_file() and reached(trained).finished):
        file = work / f"{name}.yaml"
        file.write_text(yaml.safe_dump(recipe(name, width, scale, seed)))
        train(str(file), folder)
    plain = integerise(trained, folder / "integers")
    tuned = integerise(trained, folder / "tuned", fine_tune_epochs=given.fine_tune_epochs, settings=[f"fine_tune.lr={given.lr}"])
    images = 2 * len(load_split("digits", "test"))
    figures = {"seed": seed} | {each.step.partition(",")[0]: outcome(each) for each in tuned.steps}
    nearest, saturated = plain.report.nearest, plain.report.most_saturated
    figures |= {
        "noisy copies": on_copies(trained, plain.checkpoint),
        "images_equal_in_qonnx": export(tuned.checkpoint, folder / "tuned" / "net.onnx", images=images).images,
        "nearest_to_2^24": {"step": nearest.name, "share": round(nearest.worst / nearest.limit, 4)},
        "most_saturated": {"step": saturated.name, "share": round(saturated.share, 6)},
    }
    known.write_text(json.dumps(figures))
    return figures


def outcome(after: StepAccuracy) -> dict[str, float]:
    """Accuracy, and how many images changed sides."""
    return {"accuracy": round(after.accuracy, 4), "won": after.won, "lost": after.lost, "chance": round(after.chance, 4)}


def on_copies(trained: Path, integers: Path) -> dict[str, float]:
    """Both networks on noisy copies of the test images."""
    test, random = load_split("digits", "test"), np.random.RandomState(0)
    pixels = np.concatenate([np.rint(test.images + random.normal(0, NOISE, test.images.shape)).clip(0, 255) for _ in range(COPIES)])
    copies = Split(pixels.astype(np.uint8), np.tile(test.labels, COPIES), test.classes)
    before, now = (right_images(network, info.pixel_norm, copies) for info, network in map(load_checkpoint, (trained, integers)))
    after = StepAccuracy("copies", int(now.sum()) / len(now), int((now & ~before).sum()), int((before & ~now).sum()))
    return {"images": len(copies), "trained": round(int(before.sum()) / len(before), 4)} | outcome(after)


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds, their spread, and the images won and lost on all of them together."""
    steps = [key for key, value in runs[0].items() if isinstance(value, dict) and "won" in value]
    found: dict[str, Any] = {}
    for step in steps:
        accuracies = [run[step]["accuracy"] for run in runs]
        won, lost = (sum(run[step][side] for run in runs) for side in ("won", "lost"))
        together = outcome(StepAccuracy(step, statistics.mean(accuracies), won, lost))
        found[step] = together | {"lowest": min(accuracies), "highest": max(accuracies)}
    found["noisy copies"]["trained"] = round(statistics.mean(run["noisy copies"]["trained"] for run in runs), 4)
    return found


def recorded(path: Path | None) -> dict[str, Any]:
    """What is known of each network, each with where it comes from."""
    if path is None or not path.is_file():
        return {}
    record = json.loads(path.read_text())
    own = {key: record[key] for key in ("provenance", "settings") if key in record}
    return {name: own | found for name, found in record["networks"].items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--only", choices=[name for name, _, _ in NETWORKS])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fine-tune-epochs", type=int, default=2)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = {"fine_tune_epochs": given.fine_tune_epochs, "lr": given.lr, "bits": "default: stream 9, gates 8/8"}
    networks = recorded(given.out)
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for name, width, scale in NETWORKS:
            if given.only in (None, name):
                runs = [measure(work, name, width, scale, seed, given) for seed in range(given.seeds)]
                networks[f"{name} x{width:g}"] = {"provenance": provenance(), "settings": settings, "together": summary(runs), "runs": runs}
                print(name, json.dumps(networks[f"{name} x{width:g}"]["together"]), flush=True)
    text = json.dumps({"provenance": provenance(), "networks": networks}, indent=2)
    if given.out is not None:
        given.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
