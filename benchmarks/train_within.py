"""Train a recipe for as many epochs as a given time allows.

    python benchmarks/train_within.py benchmarks/families/bnext-18.yaml --seconds 360 --data folder=DIR --out DIR [--set KEY=VALUE]

Every stage first runs three short epochs on the device that trains. From their speed follows the number of epochs, the same for each
stage, so that the whole schedule, its fall to the end included, fits. Trainings that share a device are started together. The record
``DIR/record.json`` holds accuracy, epochs, seconds of the training and images per second over all of it, validation included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from xnorflow.errors import BadInputError
from xnorflow.flows.train import TrainResult, train
from xnorflow.qat.recipe import Recipe, load_recipe

SHORT_STEPS, SHORT_EPOCHS = 40, 3
SHORT = (
    "import json, pathlib, sys; from xnorflow.flows.train import train; out, given = json.loads(sys.argv[1]); train(out=pathlib.Path(out), **given)"
)
MARGIN = 0.94  # of the time is planned with: start-up, validation and the other trainings' noise take the rest


def seconds_of_epochs(recipe: str, settings: list[str], loaded: Recipe, images: int, data: str | None) -> float:
    """Seconds that one epoch of every stage takes, one after the other, from short epochs of a training that is then ended.

    Raises:
        BadInputError: that training failed; the message is its own.
    """
    batch = loaded.train.batch_size
    short = [*settings, f"train.epochs={SHORT_EPOCHS}", f"data.limit_train={SHORT_STEPS * batch}", f"train.validate_every={SHORT_EPOCHS + 1}"]
    given = {"recipe": recipe, "overrides": short, "data": data}
    with tempfile.TemporaryDirectory() as folder:
        tables = [Path(folder) / "logs" / stage.name / "metrics.csv" for stage in loaded.chain()]
        command = [sys.executable, "-c", SHORT, json.dumps([folder, given])]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
            ends = _ends(run, tables)
            run.kill()
            said = run.communicate()[1]
    if any(len(mine) < SHORT_EPOCHS for mine in ends):
        raise BadInputError(f"short epochs of {recipe} failed: {said}")
    epochs = [(mine[-1] - mine[0]) / (SHORT_EPOCHS - 1) for mine in ends]  # the first warms up
    return sum(epochs) * (images // batch) / SHORT_STEPS


def _ends(run: subprocess.Popen[str], tables: list[Path]) -> list[list[float]]:
    """When each stage's table of figures was written, which is the end of an epoch, until the last has all or the training ends."""
    ends: list[list[float]] = [[] for _ in tables]
    seen = [0] * len(tables)
    while len(ends[-1]) < SHORT_EPOCHS and run.poll() is None:
        for stage, table in enumerate(tables):
            changed = table.stat().st_mtime_ns if table.is_file() else 0
            if changed != seen[stage]:
                seen[stage] = changed
                ends[stage].append(time.perf_counter())
        time.sleep(0.005)
    return [mine[:SHORT_EPOCHS] for mine in ends]


def record(done: TrainResult, loaded: Recipe, seconds: float) -> dict[str, Any]:
    """The figures of a finished training."""
    trained = len(loaded.chain()) * done.epochs * (done.train_images // loaded.train.batch_size) * loaded.train.batch_size
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return done.to_json() | {
        "stages": len(loaded.chain()),
        "seconds": round(seconds, 1),
        "images_per_second": round(trained / seconds, 1),
        "device": device,
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe")
    parser.add_argument("--seconds", type=float, required=True, help="for the measuring and the training together")
    parser.add_argument("--data")
    parser.add_argument("--images", type=int, default=50_000, help="training images")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    given = parser.parse_args()
    begin = time.perf_counter()
    loaded = load_recipe(given.recipe, given.settings)
    epoch = seconds_of_epochs(given.recipe, given.settings, loaded, given.images, given.data)
    left = given.seconds - (time.perf_counter() - begin)
    epochs = int(left * MARGIN / epoch)
    print(f"{given.recipe}: {epoch:.2f} s for an epoch of every stage, {left:.0f} s left, {epochs} epochs", flush=True)
    if epochs < 1:
        raise BadInputError(f"{given.seconds:g} seconds are too short for one epoch of {epoch:.1f}")
    start = time.perf_counter()
    settings = [*given.settings, f"train.epochs={epochs}"]
    done = train(given.recipe, given.out, overrides=settings, data=given.data, force=True, progress=lambda text: print(text, flush=True))
    figures = record(done, load_recipe(given.recipe, settings), time.perf_counter() - start)
    (given.out / "record.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
