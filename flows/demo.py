"""``xnorflow demo``: one network from training to RTL, every test image compared on every link."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xnorflow.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xnorflow.flows.train import TrainResult
    from xnorflow.hw.estimate.report import Estimate
    from xnorflow.sim.report import VerifyReport

RECIPES = {"digits": "cnv-small-digits", "mnist": "tfc-mnist", "cifar10": "cnv-cifar10", "folder": "cnv-cifar10"}
DEFAULT_FPS = 10_000.0


@dataclass(frozen=True)
class DemoResult:
    """What the demo made and found.

    Attributes:
        folder: where everything lies.
        training: of the network.
        estimate: of the hardware.
        verification: of every test image on every link.
        seconds: wall clock, everything included.
    """

    folder: Path
    training: TrainResult
    estimate: Estimate
    verification: VerifyReport
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The figures as plain types."""
        return {
            "folder": str(self.folder),
            "training": self.training.to_json(),
            "estimate": self.estimate.to_json(),
            "verification": self.verification.to_json(),
            "seconds": self.seconds,
        }


def demo(
    data: str = "digits",
    out: Path = Path("out/demo"),
    *,
    recipe: str | None = None,
    fps: float = DEFAULT_FPS,
    images: int | None = None,
    settings: list[str] | None = None,
    progress_bar: bool = False,
    progress: Callable[[str], None] | None = None,
) -> DemoResult:
    """Train, export, compile and verify; each step replaces what an earlier demo left in ``out``.

    Args:
        data: ``digits``, ``mnist=DIR``, ``cifar10=DIR`` or ``folder=DIR``.
        out: folder to write.
        recipe: a shipped recipe or a YAML file; None for the one that suits the data.
        fps: images a second that the hardware is folded for, at 100 MHz.
        images: test images to verify; None for every one.
        settings: overrides of the recipe.
        progress_bar: show training's bar on the terminal.
        progress: told which step begins.

    Raises:
        XnorflowError: as the steps raise; a difference between two links is a CheckFailedError.
    """
    from xnorflow.flows.compile import compile_
    from xnorflow.flows.export import export
    from xnorflow.flows.train import train
    from xnorflow.flows.verify import verify

    def step(text: str) -> None:
        if progress is not None:
            progress(f"== {text}")

    begin = time.perf_counter()
    chosen = _recipe(data) if recipe is None else recipe
    step(f"train {chosen} on {data}")
    training = train(chosen, out / "train", overrides=settings, data=data, force=True, progress_bar=progress_bar, progress=progress)
    step("export QONNX and compare it with PyTorch")
    model = export(training.checkpoint, out / "model.onnx", progress=progress).model
    step(f"compile for {fps:,.0f} images/s at 100 MHz")
    build = compile_(model, out / "build", fps=fps, force=True, progress=progress).build
    step(f"verify {'every test image' if images is None else f'{images:,} test images'}: PyTorch = QONNX = interpreter = CPU = RTL")
    report = verify(build.folder, data=data, images=images, checkpoint=training.checkpoint, progress=progress)
    return DemoResult(out, training, build.estimate, report, time.perf_counter() - begin)


def _recipe(data: str) -> str:
    kind = data.partition("=")[0]
    if kind not in RECIPES:
        raise BadInputError(f"data {data!r} is unknown; digits, mnist=DIR, cifar10=DIR and folder=DIR are accepted")
    return RECIPES[kind]
