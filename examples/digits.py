"""The whole path as library calls: train a small binary network on digits, compile it, prove it, and ask it for labels.

Run it with ``python examples/digits.py [FOLDER]``; it takes about a minute and leaves everything in FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

from xnorflow.flows.compile import compile_
from xnorflow.flows.export import export
from xnorflow.flows.images import load_images
from xnorflow.flows.train import train
from xnorflow.flows.verify import verify
from xnorflow.sim.accelerator import Accelerator


def main(folder: Path, epochs: int = 30) -> float:
    """Returns the share of 100 test images that the compiled network labels right."""
    training = train("tfc-digits", folder / "train", overrides=[f"train.epochs={epochs}"], force=True)
    model = export(training.checkpoint, folder / "model.onnx").model
    build = compile_(model, folder / "build", fps=100_000, force=True).build
    report = verify(build.folder, data="digits", images=100, checkpoint=training.checkpoint)
    print({name: link.status for name, link in report.links.items()})

    digits = load_images("digits", 100)
    accelerator = Accelerator.open(build, "cpu")
    labels = accelerator.infer(digits.images).argmax(axis=1)
    return float((labels == digits.labels).mean())


if __name__ == "__main__":
    print(f"{100 * main(Path(sys.argv[1] if len(sys.argv) > 1 else 'out/digits')):.1f} % of 100 images right")
