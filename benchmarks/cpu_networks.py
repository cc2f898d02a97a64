"""Whole networks on the CPU, each in one native call a batch, against PyTorch, the interpreter and the QONNX execution.

    python benchmarks/full_size.py bireal-18 --data folder=DIR --until compilation --work BUILDS/bireal-18
    python benchmarks/cpu_networks.py --builds BUILDS [--rounds N] [--out benchmarks/results/cpu-networks.json]

TFC and CNV: microseconds an image of every executor (``cpu_smoke.py`` says how). Networks at 224x224, batch 1, pixels to the
hardware's integers, against PyTorch in float32 eager: the same architecture, real-valued (its convolutions, norms and sums, and a
clamp where the binary network takes signs), in both memory layouts. One thread; the methods take turns; medians of thread CPU time.
The networks are untrained, as ``full_size.py`` says. The CPU runtime's logits are compared with those of PyTorch's integer network by
``==`` before anything is timed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch start their threads

import argparse
import json
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from cpu_smoke import measure
from provenance import provenance

from xnorflow.hw.build import Build
from xnorflow.models import ModelConfig, build_config
from xnorflow.sim.cpu import CpuRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 224


def alternate(methods: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median milliseconds of thread CPU time of each method; they take turns."""
    samples: dict[str, list[float]] = {key: [] for key in methods}
    for _ in range(rounds):
        for key, method in methods.items():
            begin = time.thread_time()
            method()
            samples[key].append((time.thread_time() - begin) * 1e3)
    return {key: round(statistics.median(values), 3) for key, values in samples.items()}


def large(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """One image through a network at full size."""
    build, images = Build.open(given.builds / name / "build"), np.load(given.builds / name / "images.npz")
    pixels, logits, runtime = images["pixels"], images["logits"], CpuRuntime(build.graph)
    if not np.array_equal(build.tail.apply(runtime.run(pixels)), logits):
        raise SystemExit(f"{name}: the CPU runtime's logits differ from PyTorch's; nothing was timed")
    config = ModelConfig(name, input_shape=(3, SIDE, SIDE), num_classes=logits.shape[1], padding_value=-1)
    plain, other = build_config(config).eval(), build_config(config).eval().to(memory_format=torch.channels_last)
    image = torch.rand(1, 3, SIDE, SIDE)
    image_last = image.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        methods: dict[str, Callable[[], Any]] = {
            f"cpu {runtime.isa}": lambda: runtime.run(pixels[:1]),
            "torch fp32": lambda: plain(image),
            "torch fp32 channels last": lambda: other(image_last),
        }
        alternate(methods, 2)
        medians = alternate(methods, given.rounds)
    ours, *rivals = medians.values()
    return {"input": [SIDE, SIDE, 3], "images_equal": len(pixels), "ms": medians, "times_best_torch": round(min(rivals) / ours, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", nargs="*", default=["bireal-18", "bnext-18"])
    parser.add_argument("--builds", type=Path, required=True, help="folder with a work folder of full_size.py for each large network")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=10_000, help="of TFC; CNV takes a hundredth")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    text = " ".join(["python", *sys.argv]).replace(str(given.builds), "BUILDS")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    record: dict[str, Any] = {**provenance(), "command": text, "torch": torch.__version__, "rounds": given.rounds}
    record["large"] = {name: large(name, given) for name in given.large}
    record["small"] = {name: measure(name, count, given.rounds) for name, count in (("tfc", given.images), ("cnv", max(given.images // 100, 1)))}
    written = json.dumps(record, indent=2) + "\n"
    print(written, end="")
    if given.out:
        given.out.write_text(written)


if __name__ == "__main__":
    main()
