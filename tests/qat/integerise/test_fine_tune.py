from __future__ import annotations

import numpy as np
import torch

from xnorflow.pixels import PixelNorm
from xnorflow.qat.data.split import Split
from xnorflow.qat.integerise.fine_tune import fine_tune
from xnorflow.qat.integerise.fine_tune_settings import FineTuneSettings
from xnorflow.qat.integerise.network import IntegerNetwork, Wire

CENTRED = PixelNorm(mean=(128 / 255,), std=(128 / 255,))
STEPS, RATE = 8, 0.01


def test_small_constants_move_in_proportion_to_their_size() -> None:
    network = IntegerNetwork(
        [
            Wire("image", "ImageCodes", ("input",), {"channels": 1, "bits": 8, "fraction": 7, "moved": False}),
            Wire("sum", "GlobalSum", ("image",), {"pixels": 64}),
            Wire("mean", "Affine", ("sum",), {"channels": 1, "factor": 16, "offset": None, "rank": 4, "size": None}),
            Wire("fc", "MatrixProduct", ("mean",), {"inputs": 1, "outputs": 2, "bits": 8, "fraction": 7}),
        ]
    ).eval()
    factor, weight = network.get_submodule("steps.mean.factor"), network.get_submodule("steps.fc.linear")
    factor.set(torch.tensor([1 / 256]))
    with torch.no_grad():
        weight.weight.copy_(torch.tensor([[0.5], [-0.5]]))
    pixels = np.random.default_rng(0).integers(0, 256, (STEPS * 8, 8, 8, 1)).astype(np.uint8)
    labels = (pixels.reshape(len(pixels), -1).mean(1) > 127.5).astype(np.int64)
    fine_tune(network, Split(pixels, labels, ("dark", "bright")), CENTRED, FineTuneSettings(epochs=1, lr=RATE, batch_size=8))
    moved = abs(float(factor.value) * 256 - 1)
    assert 0 < moved < 1.5 * STEPS * RATE
    assert 0 < abs(float(weight.weight[0].detach()) * 2 - 1) < 1.5 * STEPS * RATE
