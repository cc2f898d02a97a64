"""One network from training to synthesis, recorded: accuracy, equality on every link, cycles, estimate against Yosys.

    python benchmarks/networks.py tfc-mnist --data mnist=DIR --fps 1500000
    python benchmarks/networks.py cnv-cifar10 --data folder=DIR --fps 3000 --images 1000 --set train.epochs=1

The record goes to ``benchmarks/results/network-NAME.json``; everything the run made stays in ``out/network-NAME``.
"""

from __future__ import annotations

import argparse
import json
import sys

from provenance import ROOT, provenance

from xnorflow.flows.demo import demo
from xnorflow.flows.synth import synth


def say(text: str) -> None:
    """Progress to stderr."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run the demo's path on a recipe, synthesise, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe")
    parser.add_argument("--data", required=True)
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--images", type=int, help="images to verify; all test images by default")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    given = parser.parse_args()
    out = ROOT / "out" / f"network-{given.recipe}"
    done = demo(given.data, out, recipe=given.recipe, fps=given.fps, images=given.images, settings=given.settings, progress=say)
    synthesis = synth(out / "build", progress=say)
    text = json.dumps({**provenance(), **done.to_json(), "synthesis": synthesis.to_json()}, indent=2) + "\n"
    text = text.replace(given.data, f"{given.data.partition('=')[0]}=DIR").replace(str(ROOT), ".")
    result = ROOT / "benchmarks" / "results" / f"network-{given.recipe}.json"
    partial = result.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(result)


if __name__ == "__main__":
    main()
