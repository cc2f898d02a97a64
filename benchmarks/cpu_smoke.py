"""CPU runtime against the interpreter and the QONNX execution, side by side in one process.

    python benchmarks/cpu_smoke.py [--images N] [--rounds N] [--out benchmarks/results/cpu-smoke.json]

The networks are TFC and CNV of the registry with random weights and batch norms: timing does not depend on training. Each
round times every executor once, one after the other, so that a busy machine slows all of them alike; the figures are
medians of process CPU time (one thread each) in microseconds an image. Results are compared with ``==`` before any timing.
``qonnx`` is our execution of the file, whole batches at a time; ``qonnx package`` is that package's own ``execute_onnx``, which takes one
image at a time, and stands beside the CPU runtime called with one image at a time.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch start their threads

import argparse
import json
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from provenance import provenance
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from torch import nn

from xnorflow import kernels
from xnorflow.hw.interpreter import execute
from xnorflow.hw.lowering import Lowered, lower, qonnx_execute
from xnorflow.models import build, lookup
from xnorflow.pixels import PixelNorm
from xnorflow.qat.export import export_qonnx
from xnorflow.qat.freeze import freeze
from xnorflow.qat.quantise import quantise
from xnorflow.sim.cpu import CpuRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

SINGLE = 200  # images of the runs that take one at a time
Executors = dict[str, "Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]"]


def random_network(name: str, folder: Path) -> tuple[Path, nn.Module]:
    """Write a QONNX file of an untrained network whose batch norms are random."""
    torch.manual_seed(0)
    shape = lookup(name).input_shape
    network = build(name, input_shape=shape, num_classes=10)
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(module.running_mean, 0, 3)
            nn.init.uniform_(module.running_var, 1, 9)
            for parameter in (module.weight, module.bias) if module.affine else ():
                nn.init.normal_(parameter)
    frozen = freeze(quantise(network).eval())
    path = folder / f"{name}.onnx"
    export_qonnx(frozen, path, PixelNorm(mean=(0.5,), std=(0.5,)), shape)
    return path, frozen


def executors(path: Path, frozen: nn.Module, lowered: Lowered) -> Executors:
    """Each executor as a function from pixels to logits."""
    graph, tail = lowered.graph, lowered.tail

    def normalised(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(lowered.pixel_norm.apply(images).transpose(0, 3, 1, 2))

    def pytorch(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        with torch.no_grad():
            return frozen(torch.from_numpy(normalised(images))).numpy()

    def native(isa: str) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]:
        runtime = CpuRuntime(graph, isa=isa)
        return lambda images: tail.apply(runtime.run(images))

    table: Executors = {f"cpu {isa}": native(isa) for isa in kernels.available() if isa != "reference"}
    table["interpreter"] = lambda images: tail.apply(execute(graph, {"pixels": images.astype(np.int64)})[graph.outputs[0]])
    table["qonnx"] = lambda images: qonnx_execute(path, normalised(images))
    table["pytorch frozen fp32"] = pytorch
    return table


def one_at_a_time(path: Path, lowered: Lowered) -> Executors:
    """The CPU runtime and the qonnx package, each called once for every image."""
    model = ModelWrapper(str(path)).transform(InferShapes())
    source, result = model.graph.input[0].name, model.graph.output[0].name
    runtime = CpuRuntime(lowered.graph)

    def package(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        pixels = np.ascontiguousarray(lowered.pixel_norm.apply(images).transpose(0, 3, 1, 2))
        parts = [execute_onnx(model, {source: pixels[i : i + 1]})[result] for i in range(len(images))]
        return np.concatenate(parts).reshape(len(images), -1)

    def native(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        return np.concatenate([lowered.tail.apply(runtime.run(images[i : i + 1])) for i in range(len(images))])

    return {"cpu": native, "qonnx package": package}


def alternate(table: Executors, images: npt.NDArray[np.uint8], rounds: int) -> dict[str, Any]:
    """Microseconds an image of every executor, and how many times slower each is than the first; they take turns."""
    results = {key: run(images) for key, run in table.items()}
    first = next(iter(results))
    if not all(np.array_equal(results[first], other) for other in results.values()):
        raise SystemExit("the executors disagree; nothing was timed")
    if len(np.unique(results[first], axis=0)) < len(images) // 2:
        raise SystemExit("most images give the same logits, so that equality would prove little; nothing was timed")
    samples: dict[str, list[float]] = {key: [] for key in table}
    for _ in range(rounds):
        for key, run in table.items():
            begin = time.process_time()
            run(images)
            samples[key].append((time.process_time() - begin) / len(images) * 1e6)
    medians = {key: statistics.median(values) for key, values in samples.items()}
    slower = {key: round(value / medians[first], 2) for key, value in medians.items()}
    return {"images": len(images), "us_per_image": {key: round(value, 3) for key, value in medians.items()}, "times_slower": slower}


def measure(name: str, count: int, rounds: int) -> dict[str, Any]:
    """What every executor takes, with whole batches and one image at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path, frozen = random_network(name, Path(folder))
        lowered = lower(path)
        images = np.random.default_rng(0).integers(0, 256, (count, *lowered.graph.inputs["pixels"].shape), dtype=np.uint8)
        return {
            **alternate(executors(path, frozen, lowered), images, rounds),
            "one_image_a_call": alternate(one_at_a_time(path, lowered), images[: min(count, SINGLE)], rounds),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000, help="images of TFC; CNV takes a hundredth")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    networks = {name: measure(name, count, given.rounds) for name, count in (("tfc", given.images), ("cnv", max(given.images // 100, 1)))}
    text = (
        json.dumps({**provenance(), "numpy": np.__version__, "torch": torch.__version__, "rounds": given.rounds, "networks": networks}, indent=2)
        + "\n"
    )
    print(text, end="")
    if given.out:
        given.out.write_text(text)


if __name__ == "__main__":
    main()
