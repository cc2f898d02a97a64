"""Train an integerised network on: through its rounding, straight-through."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from xnorflow.errors import BadInputError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.data.split import Split
from xnorflow.qat.integerise.fine_tune_settings import FineTuneSettings
from xnorflow.qat.integerise.matrix import BinaryConvolution
from xnorflow.qat.integerise.network import IntegerNetwork
from xnorflow.qat.pixel_table import PixelTable


def fine_tune(
    network: IntegerNetwork,
    train: Split,
    norm: PixelNorm,
    settings: FineTuneSettings,
    after_epoch: Callable[[int, float, IntegerNetwork], None] | None = None,
) -> None:
    """Train a network in place on cross-entropy and round it to its grids again.

    Factors, offsets, slopes and integer weights move; binary weights only end to end. A step of AdamW is as long for every constant,
    and constants differ by orders of magnitude (the factor that makes a gate's sum a mean is near 0.005), so each one's rate is
    proportional to its size. Grids stay as they are, so a constant that the training carries beyond what float32 holds exactly is
    found when the network's bounds are computed.

    Args:
        network: in evaluation mode before and after.
        train: images to learn from.
        norm: of their pixels.
        settings: of the optimiser.
        after_epoch: told the epoch (from 1), its mean loss, and shown the network as it would be rounded now.

    Raises:
        BadInputError: the loss is no finite number.
    """
    network.requires_grad_(True)
    network.freeze_signs(not settings.end_to_end)
    groups = [{"params": [part], "lr": settings.lr * _size(part)} for part in network.parameters() if part.requires_grad]
    optimiser = torch.optim.AdamW(groups, betas=(settings.betas[0], settings.betas[1]), weight_decay=0.0)
    pixels = PixelTable(norm, train.input_shape[0])
    generator = torch.Generator().manual_seed(settings.seed)
    network.train()
    for epoch in range(settings.epochs):
        order, total = torch.randperm(len(train), generator=generator), 0.0
        for chosen in torch.split(order, settings.batch_size):
            logits = network(pixels(torch.from_numpy(train.images[chosen.numpy()])))
            loss = functional.cross_entropy(logits, torch.from_numpy(train.labels[chosen.numpy()]))
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            _clamp_signs(network)
            total += float(loss.detach()) * len(chosen)
        if not math.isfinite(total):
            raise BadInputError(f"fine-tuning diverged in epoch {epoch + 1}: the loss is {total}; lower fine_tune.lr")
        if after_epoch is not None:
            after_epoch(epoch + 1, total / len(train), _rounded(network))
    network.load_state_dict(_rounded(network).state_dict())
    network.eval().requires_grad_(False)


def _size(constant: Tensor) -> float:
    return float(constant.detach().square().mean().sqrt())


def _rounded(network: IntegerNetwork) -> IntegerNetwork:
    rounded = copy.deepcopy(network).eval()
    rounded.snap()
    return rounded


def _clamp_signs(network: IntegerNetwork) -> None:
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, BinaryConvolution):
                part.conv.weight.clamp_(-1.0, 1.0)
