"""What was trained is what is exported: PyTorch and QONNX give the same bits on every test image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from xnorflow.hw.lowering import qonnx_execute
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.export import export_qonnx
from xnorflow.qat.freeze import freeze

TRAININGS = [("distillation", "group"), ("bnew", "last"), ("progressive", "last"), ("optimisers", "mirror"), ("optimisers", "last")]
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


@pytest.mark.parametrize(("recipe", "stage"), TRAININGS, ids=["apd", "bnew", "bnext", "bmd", "bop2"])
def test_qonnx_and_pytorch_give_the_same_logits(measured, tmp_path: Path, recipe: str, stage: str, seed: int) -> None:
    run = measured.run(recipe, seed)
    images = load_split("digits", "test").images
    network = freeze(run.network(stage))
    path = tmp_path / "network.onnx"
    export_qonnx(network, path, run.pixel_norm, (1, 8, 8))
    normalised = np.ascontiguousarray(run.pixel_norm.apply(images).transpose(0, 3, 1, 2))
    with torch.no_grad():
        expected = network(torch.from_numpy(normalised)).numpy()
    assert np.array_equal(qonnx_execute(path, normalised), expected)
    assert len(np.unique(expected, axis=0)) > len(images) // 2
