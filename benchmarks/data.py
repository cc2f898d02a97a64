"""Images/s of the training pipeline alone, beside torchvision's transforms applied image by image as a data loader's worker does.

    python benchmarks/data.py [--batches N] [--rounds N] [--device cuda] [--out benchmarks/results/data-cpu.json]

The images are random ones of CIFAR-10's size, 10,000 of them, in batches of 128. Each round times every pipeline once, one after
the other, so that a busy machine slows all of them alike; the figures are medians. On a processor the times are CPU seconds of
one thread, on a GPU the wall clock between synchronisations.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch starts its threads

import argparse
import json
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from provenance import provenance
from torchvision.transforms import v2

from xnorflow.qat.augmentations.line import AugmentationLine
from xnorflow.qat.data.batches import Batches, MemoryPixels
from xnorflow.qat.data.loader import BatchLoader
from xnorflow.qat.data.order import ShuffledBatches
from xnorflow.qat.data.settings import DataSettings
from xnorflow.qat.data.split import Split

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGES, BATCH, CLASSES = 10_000, 128, 10
CROP_FLIP: list[v2.Transform] = [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()]
PIPELINES: dict[str, tuple[DataSettings, list[v2.Transform]]] = {
    "crop, flip": (DataSettings("", crop=4, flip=True), CROP_FLIP),
    "crop, flip, mixup": (DataSettings("", crop=4, flip=True, augment=(AugmentationLine("mixup"),)), [*CROP_FLIP, v2.MixUp(num_classes=CLASSES)]),
    "crop, flip, randaugment": (DataSettings("", crop=4, flip=True, augment=(AugmentationLine("randaugment"),)), [*CROP_FLIP, v2.RandAugment()]),
    "crop, flip, rotation": (DataSettings("", crop=4, flip=True, augment=(AugmentationLine("rotation"),)), [*CROP_FLIP, v2.RandomRotation(15)]),
}


def ours(split: Split, settings: DataSettings, device: str) -> BatchLoader:
    """The loader that a training iterates over."""
    pipeline = settings.pipeline()
    return BatchLoader(Batches(MemoryPixels(split, pipeline, device), pipeline, CLASSES, 0), ShuffledBatches(len(split), BATCH, 0))


def one_by_one(split: Split, transforms: list[v2.Transform], batches: int) -> None:
    """The same by torchvision: every image by itself, stacked, and then mixed."""
    single = v2.Compose([each for each in transforms if not isinstance(each, v2.MixUp)])
    mixing = [each for each in transforms if isinstance(each, v2.MixUp)]
    images, labels = torch.from_numpy(split.images).permute(0, 3, 1, 2), torch.from_numpy(split.labels)
    order = torch.randperm(len(split))
    for number in range(batches):
        chosen = order[number * BATCH : (number + 1) * BATCH]
        varied = torch.stack([single(images[index]) for index in chosen.tolist()])
        for mix in mixing:
            varied, _ = mix(varied.float(), labels[chosen])


def seconds(work: Callable[[], None], device: str) -> float:
    """Time of one call: of the process, or of the wall where a GPU works."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    begin = clock()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return clock() - begin


def measure(split: Split, batches: int, rounds: int, device: str) -> dict[str, dict[str, float]]:
    """Images/s of each pipeline, ours and torchvision's image by image."""
    times: dict[str, dict[str, list[float]]] = {name: {"ours": [], "one by one": []} for name in PIPELINES}
    loaders = {name: ours(split, settings, device) for name, (settings, _) in PIPELINES.items()}
    for _ in range(rounds):
        for name, (_, transforms) in PIPELINES.items():
            times[name]["ours"].append(seconds(partial(take, loaders[name], batches), device))
            times[name]["one by one"].append(seconds(partial(one_by_one, split, transforms, batches), "cpu"))
    count = batches * BATCH
    return {name: {who: count / statistics.median(taken) for who, taken in both.items()} for name, both in times.items()}


def take(loader: BatchLoader, batches: int) -> None:
    """Draw so many batches."""
    for _, _ in zip(range(batches), loader, strict=False):
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, 32, 32, 3), np.uint8)
    split = Split(images, rng.integers(0, CLASSES, IMAGES), tuple(map(str, range(CLASSES))))
    found = measure(split, given.batches, given.rounds, given.device)
    for name, both in found.items():
        print(f"{name}: {both['ours']:,.0f} images/s, one by one {both['one by one']:,.0f}")
    if given.out is not None:
        rounded = {name: {who: round(rate) for who, rate in both.items()} for name, both in found.items()}
        record = {**provenance(), "torch": torch.__version__, "device": given.device, "batch": BATCH, "images_per_second": rounded}
        given.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
