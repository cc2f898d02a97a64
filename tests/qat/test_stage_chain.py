"""Real-to-Binary's chain of stages on oriented gratings: real teacher, real twin with tanh, binary activations, all binary."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from xnorflow.qat.inherit import inherit
from xnorflow.qat.injectors import binary_activation, binary_weight
from xnorflow.qat.latents import latent_range, latent_weights
from xnorflow.qat.layers import BinaryActivation, BinaryConv2d
from xnorflow.qat.optim.after_step import attach
from xnorflow.qat.taps import FeatureTaps
from xnorflow.qat.terms import Observation, TermSum, WeightedTerm

TAPS = ["2", "3", "4"]
EPOCHS = 6
LABELS = TermSum([WeightedTerm("cross-entropy")])
MATCHED = TermSum([WeightedTerm("cross-entropy"), WeightedTerm("logits"), WeightedTerm("attention")])
LOGITS = TermSum([WeightedTerm("cross-entropy"), WeightedTerm("logits")])


def gratings(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noisy 8x8 waves; the class is the orientation, one of ten."""
    labels = torch.randint(0, 10, (count,), generator=generator)
    angle, phase = (labels * math.pi / 10)[:, None, None], 2 * math.pi * torch.rand(count, 1, 1, generator=generator)
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    waves = torch.sin(1.2 * (x * torch.cos(angle) + y * torch.sin(angle)) + phase)
    return (waves + 0.6 * torch.randn(count, 8, 8, generator=generator))[:, None], labels


class Block(nn.Module):
    def __init__(self, activation: nn.Module, conv: nn.Module, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(activation, conv, nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity()
        if inputs != outputs:
            self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.shortcut(x)


def network(conv: Callable[[int, int, int], nn.Module], activation: Callable[[], nn.Module]) -> nn.Sequential:
    blocks = [Block(activation(), conv(i, o, 1 + (i != o)), i, o) for i, o in ((16, 16), (16, 32), (32, 32))]
    stem, head = [nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)], [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
    return nn.Sequential(*stem, *blocks, *head)


def real() -> nn.Sequential:
    return network(lambda i, o, stride: nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.ReLU)


def stage(weight: str, activation: str) -> nn.Sequential:
    return network(
        lambda i, o, stride: BinaryConv2d(i, o, 3, stride=stride, padding=1, padding_value=-1, weight_quant=binary_weight(weight)),
        lambda: BinaryActivation(bits=1, act_quant=binary_activation(activation)),
    )


def train(net: nn.Module, terms: TermSum, teacher: nn.Module | None, data: tuple[Tensor, Tensor], epochs: int = EPOCHS, rate: float = 3e-3) -> None:
    images, labels = data
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    if latent_weights(net):
        rule = latent_range("ste").rule()
        assert rule is not None
        attach(optimizer, latent_weights(net), rule)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    guide = nn.Identity() if teacher is None else teacher.eval()
    with FeatureTaps(net.train(), TAPS) as mine, FeatureTaps(guide, TAPS if teacher is not None else []) as theirs:
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(64):
                with torch.no_grad():
                    guidance = guide(images[batch])
                logits = net(images[batch])
                total, _ = terms(Observation(logits, labels[batch], [guidance], mine.ordered(), [theirs.ordered()]))
                optimizer.zero_grad()
                total.backward()
                optimizer.step()
            schedule.step()


def accuracy(net: nn.Module, data: tuple[Tensor, Tensor]) -> float:
    with torch.no_grad():
        return 100 * float((net.eval()(data[0]).argmax(1) == data[1]).float().mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_chain_beats_training_from_scratch(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    data, test = gratings(700, generator), gratings(1000, generator)
    torch.manual_seed(seed)
    standard, first, second, third, scratch = real(), stage("real", "tanh"), stage("real", "ste"), stage("ste", "ste"), stage("ste", "ste")
    train(standard, LABELS, None, data)
    train(first, MATCHED, standard, data)
    inherit(second, first)
    train(second, MATCHED, first, data)
    inherit(third, second)
    assert all(torch.equal(a, b) for a, b in zip(latent_weights(third), latent_weights(second), strict=True))
    train(third, LOGITS, second, data, rate=1e-3)
    for weight in latent_weights(scratch):
        nn.init.uniform_(weight, -1.0, 1.0)
    train(scratch, LABELS, None, data, epochs=3 * EPOCHS)
    assert accuracy(third, test) >= accuracy(scratch, test) + 3
    assert accuracy(second, test) >= 85
