"""From a QONNX file to a build folder: lowering, folding, FIFO sizing, estimate, RTL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xnorflow.errors import BadInputError
from xnorflow.hw.build import Build
from xnorflow.hw.lowering import lower
from xnorflow.hw.plan import plan, tell
from xnorflow.hw.write_build import check_target, write_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from xnorflow.hw.folding import FoldingRequest
    from xnorflow.pixels import PixelNorm


def compile_model(
    model: Path,
    out: Path,
    *,
    pixel_norm: PixelNorm | None = None,
    head: Literal["logits", "argmax"] = "logits",
    folding: FoldingRequest | None = None,
    probes: int = 4,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Build:
    """Compile a QONNX file into a build folder.

    Args:
        model: the QONNX file.
        out: the folder to write; nothing is left behind when anything fails.
        pixel_norm: how pixels become the network's input; None for what the file's metadata says, else 1/255.
        head: what the hardware's output is.
        folding: a target or a folding; None for the smallest hardware.
        probes: images on which every lowering pass is checked against the QONNX file.
        force: replace an existing build folder.
        progress: is told what is being done.

    Raises:
        BadInputError: the model, the folding or the folder cannot be used; the message says where and why.
        CheckFailedError: a lowering pass changed the network's function, or the netlist does not elaborate.
    """
    check_target(out, force=force)
    if model.exists() and not model.is_file():
        raise BadInputError(f"model {model} is no regular file; an ONNX file is accepted")
    try:
        raw = model.read_bytes()
    except OSError as error:
        raise BadInputError(f"model {model} cannot be read: {error.strerror or error}") from error
    lowered = lower(model, pixel_norm=pixel_norm, head=head, probes=probes, progress=progress)
    contents = plan(
        lowered.graph,
        tail=lowered.tail,
        pixel_norm=lowered.pixel_norm,
        folding=folding,
        model=raw,
        head=lowered.notes["head"],
        passes=tuple(lowered.passes),
        notes=lowered.notes,
        progress=progress,
    )
    tell(progress, f"writing {out}")
    write_build(out, contents, force=force)
    return Build.open(out)
