"""A network at full size, from PyTorch to RTL: what each stage takes, and that every link gives the same bits.

    python benchmarks/full_size.py reactnet-a --data folder=DIR [--side 224] [--cycles 1000000] [--probes 4] [--images 4] [--rtl-images 1]

The network is not trained: its batch norms follow real pictures (scikit-learn's two photographs, cut and mirrored, and the
pictures of DIR, enlarged), its other weights are random, so that no stage is easier than with a trained one. Each stage runs in a
process of its own, which is where its memory is measured; `--until STAGE` stops behind one. A stage that is recorded in the work folder
``--work DIR`` is not run again. The record of the stages that were run goes to ``benchmarks/results/full-size-NETWORK.json``, or
``full-size-NETWORK-SIDE.json`` for images of another side.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch start their threads

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from provenance import ROOT, provenance

CLASSES, CLOCK_MHZ = 1000, 100.0
CALIBRATION = 8
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pictures(folder: Path, side: int) -> np.ndarray:
    """Real pictures, uint8 ``(N, side, side, 3)``: photographs first and last, small ones of that size between."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    photographs = []
    for image in load_sample_images().images:
        height, width, _ = image.shape
        cuts = [image[y : y + side, x : x + side] for y in (0, height - side) for x in (0, width - side)]
        photographs += [*cuts, *(cut[:, ::-1] for cut in cuts)]
    files = sorted(folder.glob("test/*/*"))
    small = [Image.open(file).convert("RGB").resize((side, side), Image.Resampling.BICUBIC) for file in files[:: max(1, len(files) // 8)]]
    return np.stack([photographs[0], np.asarray(small[0]), photographs[9], *map(np.asarray, small[1:]), *photographs[1:9], *photographs[10:]])


def network(given: argparse.Namespace) -> dict[str, Any]:
    """Build, follow the pictures, make integers, export; PyTorch's logits are kept for the other links."""
    import torch
    from untrained import follow, scatter

    from xnorflow.models import ModelConfig, build_config
    from xnorflow.pixels import PixelNorm
    from xnorflow.qat.export import qonnx_bytes
    from xnorflow.qat.integerise.integerise import integerise
    from xnorflow.qat.layers import QuantScheme
    from xnorflow.qat.quantise import quantise

    torch.manual_seed(20)
    norm, scheme = PixelNorm(mean=MEAN, std=STD), QuantScheme(weight_scale="mean")
    pixels = pictures(given.data, given.side)
    images = torch.from_numpy(np.ascontiguousarray(norm.apply(pixels).transpose(0, 3, 1, 2)))
    config = ModelConfig(given.network, input_shape=(3, given.side, given.side), num_classes=CLASSES, padding_value=-1)
    trained = quantise(build_config(config), scheme)
    scatter(trained)
    clock = Laps()
    trained = follow(trained, images)
    clock.lap("norms follow the pictures")
    with torch.no_grad():
        integers = integerise(trained, images[:CALIBRATION], norm, scheme)
        clock.lap("integerise")
        (given.work / "net.onnx").write_bytes(qonnx_bytes(integers, norm, config.input_shape))
        clock.lap("export")
        logits = np.concatenate([integers(image[None]).numpy() for image in images[: given.images]])
    clock.lap(f"PyTorch, {given.images} images")
    np.savez(given.work / "images.npz", pixels=pixels[: given.images], logits=logits)
    return {
        "seconds_of": clock.seconds,
        "onnx_bytes": (given.work / "net.onnx").stat().st_size,
        "distinct_logits": len(np.unique(logits, axis=0)),
    }


class Laps:
    """Seconds of each part of a stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """The part that ends now."""
        now = time.perf_counter()
        self.seconds[name] = round(self.seconds.get(name, 0.0) + now - self._last, 1)
        self._last = now


def compilation(given: argparse.Namespace) -> dict[str, Any]:
    """QONNX to build folder, with the time of each part as it reports itself."""
    from collections import Counter

    from xnorflow.hw.compile import compile_model
    from xnorflow.hw.folding import FoldingRequest

    clock, parts = Laps(), ["lowering"]

    def progress(text: str) -> None:
        if text in ("folding", "sizing FIFOs") or text.startswith("writing"):
            clock.lap(parts[-1])
            parts.append(text.partition(" /")[0])
        print(f"{time.perf_counter():.0f} {text}", file=sys.stderr, flush=True)

    folding = FoldingRequest(fps=CLOCK_MHZ * 1e6 / given.cycles, clock_mhz=CLOCK_MHZ)
    build = compile_model(given.work / "net.onnx", given.work / "build", folding=folding, probes=given.probes, force=True, progress=progress)
    clock.lap("writing")
    estimate, total = build.estimate, build.estimate.total
    return {
        "seconds_of": clock.seconds,
        "probe_images": given.probes + 4,
        "nodes": len(build.graph.nodes),
        "nodes_of": dict(sorted(Counter(node.op for node in build.graph.nodes).items())),
        "weight_bits": estimate.weight_bits,
        "fifo_bits": estimate.fifo_bits,
        "cycles_asked": given.cycles,
        "interval": estimate.interval,
        "latency": estimate.latency,
        "fps_at_100_MHz": round(estimate.fps, 2),
        "lut": round(total.lut),
        "ff": round(total.ff),
        "bram18": total.bram18,
        "dsp": total.dsp,
        "folder_bytes": sum(path.stat().st_size for path in (given.work / "build").rglob("*") if path.is_file()),
    }


def _compared(given: argparse.Namespace, logits: np.ndarray) -> dict[str, Any]:
    expected = np.load(given.work / "images.npz")["logits"]
    assert logits.dtype == expected.dtype, "logits of another type"
    if not np.array_equal(logits, expected):
        raise SystemExit(f"logits differ from PyTorch's in {int((logits != expected).sum())} of {logits.size} places")
    return {"images_equal": len(logits)}


def interpreter(given: argparse.Namespace) -> dict[str, Any]:
    """The authority for what the graph means, one image at a time, against PyTorch's logits."""
    from xnorflow.hw.build import Build
    from xnorflow.hw.interpreter import execute

    build = Build.open(given.work / "build")
    pixels = np.load(given.work / "images.npz")["pixels"].astype(np.int64)
    (name,), (output,) = build.graph.inputs, build.graph.outputs
    outputs = np.concatenate([execute(build.graph, {name: pixels[i : i + 1]})[output] for i in range(len(pixels))])
    np.save(given.work / "outputs.npy", outputs)
    return _compared(given, build.tail.apply(outputs))


def cpu(given: argparse.Namespace) -> dict[str, Any]:
    """The packed kernels, one thread."""
    from xnorflow.hw.build import Build
    from xnorflow.sim.cpu import CpuRuntime

    build = Build.open(given.work / "build")
    runtime, pixels, clock = CpuRuntime(build.graph), np.load(given.work / "images.npz")["pixels"], Laps()
    outputs = runtime.run(pixels)
    clock.lap("run")
    return {**_compared(given, build.tail.apply(outputs)), "seconds_of": clock.seconds}


def qonnx(given: argparse.Namespace) -> dict[str, Any]:
    """The file itself, in QONNX's and ONNX Runtime's operators."""
    from xnorflow.hw.build import Build
    from xnorflow.hw.lowering import qonnx_execute

    build = Build.open(given.work / "build")
    images = build.pixel_norm.apply(np.load(given.work / "images.npz")["pixels"]).transpose(0, 3, 1, 2)
    return _compared(given, qonnx_execute(given.work / "net.onnx", np.ascontiguousarray(images), batch=1))


def lint(given: argparse.Namespace) -> dict[str, Any]:
    """Verilator with all warnings; compiling has elaborated the netlist with pyslang already."""
    from xnorflow.sim.engine.environment import verilator_environment

    folder = given.work / "build"
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "top", "top.v", *(f"rtl/{p.name}" for p in sorted((folder / "rtl").iterdir()))]
    done = subprocess.run(command, cwd=folder, env=verilator_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0 or "Warning" in done.stderr:
        raise SystemExit(f"Verilator complains: {done.stderr.splitlines()[:1]}")
    return {"warnings": 0}


def model(given: argparse.Namespace) -> dict[str, Any]:
    """Compile the RTL into a program."""
    from xnorflow.hw.build import Build
    from xnorflow.sim.rtl import RtlRequest, rtl_model

    engine = rtl_model(RtlRequest.of(Build.open(given.work / "build"))).executable
    return {"program_bytes": engine.stat().st_size}


def simulation(given: argparse.Namespace) -> dict[str, Any]:
    """Images through the RTL, back to back, against the interpreter's integers."""
    from xnorflow.hw.build import Build
    from xnorflow.sim.rtl import RtlRequest, simulate_once

    build = Build.open(given.work / "build")
    pixels = np.load(given.work / "images.npz")["pixels"][: given.rtl_images].astype(np.int64)
    clock = Laps()
    result = simulate_once(RtlRequest.of(build), pixels)
    clock.lap("run")
    (part,) = (session for _, session in result.parts)
    outputs = result.sink.unpack(part.outputs[0])
    if part.fault is not None or not np.array_equal(outputs, np.load(given.work / "outputs.npy")[: given.rtl_images]):
        raise SystemExit(f"the RTL differs from the interpreter: {part.fault}")
    estimate = build.estimate
    return {
        "seconds_of": clock.seconds,
        "images_equal": len(outputs),
        "values_an_image": int(outputs[0].size),
        "cycles": result.cycles,
        "cycles_a_second": round(result.cycles / clock.seconds["run"]),
        "latency": result.latency,
        "latency_estimate": estimate.latency,
        "cycles_per_image": result.cycles_per_image,
        "cycles_per_image_estimate": estimate.interval,
    }


STAGES = {f.__name__: f for f in (network, compilation, interpreter, cpu, qonnx, lint, model, simulation)}


def _staged(name: str, given: argparse.Namespace) -> None:
    """Run a stage and write what it says, with its time and memory, into the work folder."""
    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    figures = STAGES[name](given)
    seconds = round(time.perf_counter() - begun, 1)
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    record = {
        "seconds": seconds,
        "cpu_seconds": round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 1),
        "peak_GiB": round(max(own.ru_maxrss, children.ru_maxrss) / (1 << 20), 2),
        **figures,
    }
    (given.work / f"{name}.json").write_text(json.dumps(record))


def main() -> None:
    """Run the stages one after the other, and record them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network")
    parser.add_argument("--data", required=True, metavar="folder=DIR", help="pictures in DIR/test/CLASS")
    parser.add_argument("--side", type=int, default=224, help="of the images, in pixels")
    parser.add_argument("--cycles", type=int, default=1_000_000, help="interval to fold to")
    parser.add_argument("--probes", type=int, default=4, help="random probe images of the lowering, besides four fixed ones")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--rtl-images", type=int, default=1)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--until", choices=STAGES)
    given = parser.parse_args()
    text = " ".join(sys.argv).replace(given.data, "folder=DIR")
    given.data = Path(given.data.removeprefix("folder="))
    title = f"full-size-{given.network}" + (f"-{given.side}" if given.side != 224 else "")
    given.work = given.work or ROOT / "out" / title
    given.work.mkdir(parents=True, exist_ok=True)
    stages = {}
    for name in STAGES:
        file = given.work / f"{name}.json"
        if not file.is_file():
            process = multiprocessing.get_context("spawn").Process(target=_staged, args=(name, given))
            process.start()
            process.join()
            if process.exitcode != 0:
                raise SystemExit(f"stage {name} failed")
        stages[name] = json.loads(file.read_text())
        print(name, stages[name], flush=True)
        if name == given.until:
            break
    record = {**provenance(), "network": given.network, "input": [given.side, given.side, 3], "classes": CLASSES, "stages": stages}
    record["command"] = f"python {text.replace(str(given.work), 'DIR')}"
    result = ROOT / "benchmarks" / "results" / f"{title}.json"
    result.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
