"""One trained network of a family as integers and as hardware, recorded: what the integers cost, and equality on every link.

    python benchmarks/families.py bireal-20 out/bireal-20/last.ckpt --data folder=DIR --fps 10000 [--images 1000] [--work out/families]

Makes integers of the checkpoint and counts the right answers of both on all test images, exports, compiles, verifies the first
``--images`` test images on every link in software, ``--rtl-images`` of them in RTL and ``--stalled`` with random stalls, and compares
the measured cycles of an image with the estimate. Each step leaves a JSON file in ``WORK/NAME``; a step whose file is there is not
done again, so that a run that was interrupted goes on. The record is the network's entry in ``benchmarks/results/families-cifar10.json``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provenance import ROOT, provenance, record_entry

from xnorflow.flows.compile import compile_
from xnorflow.flows.export import export
from xnorflow.flows.integerise import integerise
from xnorflow.flows.verify import verify

INTERVAL_PERCENT = 1.0


def say(text: str) -> None:
    """Progress to stderr."""
    print(text, file=sys.stderr, flush=True)


def once(folder: Path, name: str, step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The figures of a step: those in ``folder`` if it was done before, else it is done now."""
    file = folder / f"{name}.json"
    if not file.is_file():
        say(f"== {folder.name}: {name}")
        begin = time.perf_counter()
        figures = {**step(), "wall_seconds": round(time.perf_counter() - begin, 1)}
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(figures, indent=2) + "\n")
        partial.replace(file)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def integers(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Accuracy of the trained network and of its integers, on all test images."""
    done = integerise(
        given.checkpoint,
        folder / "integers",
        bits=given.bits,
        fine_tune_epochs=given.fine_tune_epochs,
        settings=given.settings,
        data=given.data,
        progress=say,
    )
    nearest, saturated = done.report.nearest, done.report.most_saturated
    return {
        "test_images": done.images,
        "steps": [dataclasses.asdict(each) | {"chance": each.chance} for each in done.steps],
        "nearest_to_2^24": {"step": nearest.name, "share": round(nearest.worst / nearest.limit, 4)},
        "most_saturated": {"step": saturated.name, "share": round(saturated.share, 6)},
    }


def compiled(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """The build's estimate."""
    done = compile_(folder / "model.onnx", folder / "build", fps=given.fps, force=True, progress=say)
    return {"estimate": done.build.estimate.to_json()}


def software(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Equality of PyTorch, QONNX, interpreter and CPU."""
    return verify(
        folder / "build",
        data=given.data,
        images=given.images,
        qonnx_images=given.qonnx_images,
        checkpoint=folder / "integers" / "integers.ckpt",
        links=("pytorch", "qonnx", "cpu"),
        progress=say,
    ).to_json()


def hardware(folder: Path, given: argparse.Namespace, *, stalls: bool) -> dict[str, Any]:
    """Equality of RTL and interpreter; without stalls, the measured interval, too."""
    images = given.stalled if stalls else given.rtl_images
    report = verify(folder / "build", data=given.data, images=images, stalls=stalls, seed=given.seed, links=("rtl",), progress=say).to_json()
    deviation = report["rtl"]["deviation_percent"]
    if not stalls and abs(deviation) > INTERVAL_PERCENT:
        raise SystemExit(f"{folder.name}: the interval is {deviation:.2f} % off its estimate; {INTERVAL_PERCENT:g} % is accepted")
    return report


def trained(checkpoint: Path) -> dict[str, Any]:
    """What ``benchmarks/train_within.py`` left beside the checkpoint, if it trained it."""
    file = checkpoint.parent / "record.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return {name: value for name, value in found.items() if name not in ("checkpoint", "data")}


def public(given: argparse.Namespace) -> dict[str, str]:
    """What this machine's folders are called in the record."""
    return {given.data: f"{given.data.partition('=')[0]}=DIR", str(given.work): "out/families", str(given.checkpoint.parent): "out"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--images", type=int, default=1000, help="for PyTorch, QONNX, interpreter and CPU")
    parser.add_argument("--qonnx-images", type=int, help="most of them for QONNX; all by default")
    parser.add_argument("--rtl-images", type=int, default=1000)
    parser.add_argument("--stalled", type=int, default=100, help="for RTL with random stalls")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--bits", action="append", default=[], metavar="PART=BITS")
    parser.add_argument("--fine-tune-epochs", type=int)
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE", help="of integerise")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "families")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "families-cifar10.json")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = given.work / given.name
    folder.mkdir(parents=True, exist_ok=True)
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "integers": lambda: integers(folder, given),
        "export": lambda: export(folder / "integers" / "integers.ckpt", folder / "model.onnx", data=given.data, progress=say).to_json(),
        "compile": lambda: compiled(folder, given),
        "software": lambda: software(folder, given),
        "rtl": lambda: hardware(folder, given, stalls=False),
        "rtl-stalls": lambda: hardware(folder, given, stalls=True),
    }
    record = {**provenance(), "training": trained(given.checkpoint), **{name: once(folder, name, step) for name, step in steps.items()}}
    record_entry(given.out, given.name, record, public(given))


if __name__ == "__main__":
    main()
