"""The binary kernels against everybody's convolutions and products, side by side in one process.

    python benchmarks/cpu.py [--rounds N] [--seconds S] [--only NAME] [--out benchmarks/results/cpu-MACHINE.json]

Each round times every method once, one after the other, so that a busy machine slows all of them alike; figures are medians of
thread CPU time in microseconds, on one thread. `cpu_floor.cpp` measures, on the same machine, how fast the kernels'
instructions run with all operands in registers; the kernels are given in per cent of that. Results are compared with PyTorch's in
float32, which is exact here, before any timing. OpenVINO and NumKong (`pip install xnorflow[bench]`) are left out where
they are not installed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch start their threads

import argparse
import importlib.util
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cpu_rivals as rivals
import numpy as np
import torch
from provenance import provenance

from xnorflow import _kernels, kernels
from xnorflow.kernels.packed import words_for

if TYPE_CHECKING:
    from collections.abc import Callable

    Methods = dict[str, Callable[[], Any]]

SHAPES = [(n, c, s) for n in (1, 16) for c, s in ((64, 56), (128, 28), (256, 14), (512, 7))] + [(16, 64, 128)]
LINEAR = [(1, 4096), (64, 4096)]


def floor() -> dict[str, float]:
    """Tbop/s of one thread for each instruction set, no operand in memory."""
    source = Path(__file__).with_name("cpu_floor.cpp")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "floor"
        subprocess.run(["g++", "-O2", "-std=c++20", "-w", str(source), "-o", str(program)], check=True)
        result: dict[str, float] = json.loads(subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout)
    return result


class Ours:
    """One binary layer of ours with every buffer allocated before."""

    def __init__(self, weights: np.ndarray[Any, Any], images: np.ndarray[Any, Any], padding: int, isa: str) -> None:
        self.conv = kernels.BinaryConv2d(weights, padding=(padding, padding), pad_value=0, isa=isa)
        self.isa, self.images = isa, images
        self.packed = self.conv.pack(images)
        self.layer = self.conv.layer(self.packed)
        shape = self.layer.window.count(self.packed.shape)
        self.outputs = {
            "bits": np.empty((*shape, words_for(self.conv.mh)), np.uint64),
            "floats": np.empty((*shape, self.conv.mh), np.float32),
            "acc": np.empty((*shape, self.conv.mh), np.int32),
        }
        ones, none = np.ones(self.conv.mh, np.float32), np.zeros(self.conv.mh, np.float32)
        limits = kernels.BitThresholds(np.zeros(self.conv.mh, np.int64), np.zeros(self.conv.mh, bool))
        self.sinks = {"bits": self.layer.prepared(limits), "floats": self.layer.scales(ones, none), "acc": self.layer.native.accumulators()}

    def run(self, output: str, threads: int = 1) -> np.ndarray[Any, Any]:
        """Packed images to one kind of output."""
        self.layer.native.run(self.packed.words, self.sinks[output], self.outputs[output], threads)
        return self.outputs[output]

    def end_to_end(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """float32 images to float32."""
        _kernels.pack_images(self.isa, images, 0.0, list(self.conv.margin), False, self.packed.words, 1)
        return self.run("floats")


def conv_methods(conv: rivals.Conv, best: str) -> tuple[Methods, Callable[[], float] | None]:
    """Every method on one convolution, and the time of OpenVINO's bare node where it is installed."""
    last = torch.channels_last
    methods: Methods = {
        "torch fp32 nchw": rivals.torch_float(conv, torch.float32, torch.contiguous_format),
        "torch fp32 channels last": rivals.torch_float(conv, torch.float32, last),
        "torch bf16": rivals.torch_float(conv, torch.bfloat16, last),
        "torch int8": rivals.torch_int8(conv),
    }
    expected = rivals.signs(conv).numpy()
    columns = np.ascontiguousarray(conv.images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for isa in [best] + (["avx2"] if best == "avx512" else []):
        ours = Ours(conv.weights, conv.images, 1, isa)
        check(f"ours {isa}", ours.end_to_end(conv.images).transpose(0, 3, 1, 2), expected)
        methods[f"ours {isa} bits to bits"] = lambda ours=ours: ours.run("bits")  # type: ignore[misc]
        methods[f"ours {isa} bits to f32"] = lambda ours=ours: ours.run("floats")  # type: ignore[misc]
        methods[f"ours {isa} f32 nchw to f32"] = lambda ours=ours: ours.end_to_end(conv.images)  # type: ignore[misc]
        methods[f"ours {isa} f32 nhwc to f32"] = lambda ours=ours: ours.end_to_end(columns)  # type: ignore[misc]
    if not importlib.util.find_spec("openvino"):
        return methods, None
    methods["openvino f32 to f32"], node = rivals.openvino(conv)
    check("openvino", methods["openvino f32 to f32"](), expected)
    return methods, node


def linear_methods(batch: int, size: int, best: str) -> Methods:
    """Every method on one matrix-vector product of size x size."""
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(batch, size)).astype(np.float32), rng.choice(np.array([-1, 1], np.float32), (size, size))
    ours = Ours(weights[:, :, None, None], x[:, :, None, None], 0, best)
    expected = np.where(x >= 0, np.float32(1), np.float32(-1)) @ weights.T
    check("ours", ours.end_to_end(ours.images)[:, 0, 0], expected)
    tensor, matrix = torch.from_numpy(x), torch.from_numpy(weights)
    half, narrow = tensor.bfloat16(), matrix.bfloat16()
    methods: Methods = {
        "torch fp32": lambda: torch.nn.functional.linear(tensor, matrix),
        "torch bf16": lambda: torch.nn.functional.linear(half, narrow),
        f"ours {best} bits to bits": lambda: ours.run("bits"),
        f"ours {best} bits to int32": lambda: ours.run("acc"),
        f"ours {best} f32 to f32": lambda: ours.end_to_end(ours.images),
    }
    if importlib.util.find_spec("numkong"):
        rows = kernels.pack(weights.astype(np.int8)).words
        methods["numkong bits to uint32"] = rivals.numkong(ours.packed.words[:, 0, 0], rows)
        distances = np.asarray(methods["numkong bits to uint32"]())
        check("numkong", size - 2 * distances.astype(np.int64), expected)
    return methods


def check(name: str, values: Any, expected: Any) -> None:
    """Stop where a method computes something else."""
    if not np.array_equal(values, expected):
        raise SystemExit(f"{name} differs from PyTorch; nothing was timed")


def measure(methods: Methods, rounds: int, seconds: float, node: Callable[[], float] | None = None) -> dict[str, float]:
    """Median microseconds of each method: all of them in every round, until the rounds are done or the time is over."""
    samples: dict[str, list[float]] = {name: [] for name in methods}
    bare: list[float] = []
    for run in methods.values():
        run()
    end = time.monotonic() + seconds
    for done in range(rounds):
        for name, run in methods.items():
            begin = time.thread_time_ns()
            run()
            samples[name].append((time.thread_time_ns() - begin) / 1e3)
            if node is not None and name.startswith("openvino"):
                bare.append(node())
        if done >= 2 and time.monotonic() > end:
            break
    medians = {name: round(statistics.median(values), 2) for name, values in samples.items()}
    return medians | ({"openvino node alone (wall clock, least)": min(bare)} if bare else {}) | {"rounds": len(next(iter(samples.values())))}


def ratios(times: dict[str, float], operations: float, limits: dict[str, float], best: str) -> dict[str, float]:
    """What the issue's goals are about, from the medians of one layer."""
    ours, fp32 = times[f"ours {best} bits to bits"], min(value for name, value in times.items() if name.startswith("torch fp32"))
    speed = operations / ours / 1e6
    found = {"Tbop/s": speed, "per cent of the floor": 100 * speed / limits[best], "times torch fp32, bits to bits": fp32 / ours}
    for name in (f"ours {best} f32 nchw to f32", f"ours {best} f32 to f32"):
        if name in times:
            found["times torch fp32, f32 to f32"] = fp32 / times[name]
            if "openvino f32 to f32" in times:
                found["times openvino, f32 to f32"] = times["openvino f32 to f32"] / times[name]
    if "openvino node alone (wall clock, least)" in times:
        found["openvino node alone / ours bits to f32"] = times["openvino node alone (wall clock, least)"] / times[f"ours {best} bits to f32"]
    if "numkong bits to uint32" in times:
        found["times numkong, bits to integers"] = times["numkong bits to uint32"] / times[f"ours {best} bits to int32"]
    return {name: round(value, 2) for name, value in found.items()}


def two_threads(conv: rivals.Conv, best: str, rounds: int) -> dict[str, float]:
    """Wall clock of one and of two threads, least of the rounds, and how many times faster two are."""
    ours = Ours(conv.weights, conv.images, 1, best)
    samples: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds * 4):
        for threads, times in samples.items():
            begin = time.perf_counter_ns()
            ours.run("bits", threads)
            times.append((time.perf_counter_ns() - begin) / 1e3)
    one, two = min(samples[1]), min(samples[2])
    return {"one thread, us": round(one, 1), "two threads, us": round(two, 1), "times faster": round(one / two, 2)}


def report(name: str, record: dict[str, Any], out: Path | None) -> None:
    """Print one layer, and write what is measured so far."""
    print(name, json.dumps(record["layers"][name]), flush=True)
    if out:
        out.write_text(json.dumps(record, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=8, help="a layer is not measured longer than that (3 rounds at least)")
    parser.add_argument("--only", default="", help="layers whose name contains this")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    best, limits = kernels.resolve(), floor()
    record: dict[str, Any] = {**provenance(), "numpy": np.__version__, "torch": torch.__version__, "kernels": best, "floor Tbop/s": limits}
    record["layers"] = layers = {}
    for batch, channels, size in SHAPES:
        name = f"conv {batch}x{channels}x{size}x{size}"
        if given.only in name:
            conv = rivals.Conv.random(batch, channels, size)
            methods, node = conv_methods(conv, best)
            times = measure(methods, given.rounds, given.seconds, node)
            layers[name] = {"us": times, "ratios": ratios(times, 18 * batch * channels**2 * size**2, limits, best)}
            if os.cpu_count() != 1:
                layers[name]["threads"] = two_threads(conv, best, given.rounds)
            report(name, record, given.out)
    for batch, size in LINEAR:
        name = f"linear {batch}x{size}x{size}"
        if given.only in name:
            times = measure(linear_methods(batch, size, best), given.rounds, given.seconds)
            layers[name] = {"us": times, "ratios": ratios(times, 2 * batch * size**2, limits, best)}
            report(name, record, given.out)


if __name__ == "__main__":
    main()
