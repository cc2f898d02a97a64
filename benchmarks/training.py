"""A training step of the binary ResNet-18 against the same network in float and against plain autograd functions.

    python benchmarks/training.py [--width W] [--batch N] [--rounds N] [--out benchmarks/results/training-cpu.json]
    python benchmarks/training.py --device cuda --compile --batch 256

The network is ``bireal-18`` for 32x32 pixels. ``xnorflow`` is the network that recipes train, Brevitas layers and all;
``plain`` is the same network with the same arithmetic in two ``torch.autograd.Function`` and nothing around them; ``float`` has
real weights and hard tanh. Before any timing, ``xnorflow`` and ``plain`` take three steps from the same weights, and losses and
all weights must be equal bit for bit. Each round times one step (forward, loss, backward, optimiser, clipped latents) of every
method, one after the other and every round in another order, so that a busy machine slows all of them alike and each inherits
the others' caches and free memory. The ratios are medians of the ratios of each round. On a processor the times are CPU seconds
of one thread, on a GPU the wall clock between synchronisations.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch starts its threads

import argparse
import itertools
import json
import statistics
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from provenance import provenance
from torch import Tensor, nn
from torch.nn import functional

from xnorflow.models import build
from xnorflow.models.layers import Activation, Conv
from xnorflow.qat.latents import latent_range, latent_weights
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.optim.after_step import attach
from xnorflow.qat.optim.build import build_optimiser
from xnorflow.qat.quantise import quantise
from xnorflow.qat.train_settings import TrainSettings

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORK, IMAGE, CLASSES = "bireal-18", 32, 10
CHECKED_STEPS = 3
SCHEMES = {"bireal": QuantScheme(activation="approx-sign", weight_scale="mean"), "ste": QuantScheme()}


class PlainSte(torch.autograd.Function):
    """Sign; the gradient passes within +-1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.ge(x, 0, out=torch.empty_like(x)).mul_(2).sub_(1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        size = x.abs()
        return torch.le(size, 1, out=size).mul_(grad)


class PlainApproxSign(PlainSte):
    """Sign; Bi-Real Net's gradient."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return x.abs().mul_(-2).add_(2).clamp_(min=0).mul_(grad)


class PlainSign(nn.Module):
    """Binary activation."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.function = PlainApproxSign if kind == "approx-sign" else PlainSte

    def forward(self, x: Tensor) -> Tensor:
        return self.function.apply(x)


class PlainConv(nn.Conv2d):
    """Binary convolution, as the slot describes it."""

    def __init__(self, slot: Conv, scale: str) -> None:
        super().__init__(slot.in_channels, slot.out_channels, slot.kernel_size[0], slot.stride[0], bias=False)
        self.border, self.value, self.scaled = int(slot.padding[0]), float(slot.padding_value), scale == "mean"

    def forward(self, x: Tensor) -> Tensor:
        weight = PlainSte.apply(self.weight)
        if self.scaled:
            weight = weight * self.weight.detach().abs().mean((1, 2, 3), keepdim=True)
        return functional.conv2d(functional.pad(x, (self.border,) * 4, value=self.value), weight, None, self.stride)


def plain(network: nn.Module, scheme: QuantScheme) -> nn.Module:
    """Replace every slot in place by the plain layer of the scheme."""
    for name, child in network.named_children():
        if isinstance(child, Conv):
            setattr(network, name, PlainConv(child, scheme.weight_scale))
        elif isinstance(child, Activation):
            setattr(network, name, PlainSign(scheme.activation))
        else:
            plain(child, scheme)
    return network


@dataclass
class Method:
    """One way to train the network: its parts, and a step of it."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    forward: Callable[[Tensor], Tensor]
    clipped: list[nn.Parameter]

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """Forward, loss, backward, optimiser; the loss."""
        self.optimiser.zero_grad()
        loss = functional.cross_entropy(self.forward(images), labels)
        loss.backward()
        self.optimiser.step()
        with torch.no_grad():
            for weight in self.clipped:
                weight.clamp_(-1, 1)
        return loss.detach()


def fresh(width: float) -> nn.Module:
    """The network with real-valued slots."""
    return build(NETWORK, input_shape=(3, IMAGE, IMAGE), num_classes=CLASSES, width=width)


def methods(scheme: QuantScheme, width: float, device: str, compiled: bool) -> dict[str, Method]:
    """The three, ``xnorflow`` and ``plain`` with the same weights."""
    settings = TrainSettings(epochs=1, optimiser="adam", lr=1e-3)
    torch.manual_seed(0)
    ours = quantise(fresh(width), scheme).train().to(device)
    bare = plain(fresh(width), scheme).train().to(device)
    binary = [module.weight for module in bare.modules() if isinstance(module, PlainConv)]
    with torch.no_grad():
        for target, source in zip(bare.parameters(), ours.parameters(), strict=True):
            target.copy_(source)
    table = {}
    for name, network, clipped in (("xnorflow", ours, []), ("plain", bare, binary), ("float", fresh(width).train().to(device), [])):
        optimiser = build_optimiser(network, settings)
        table[name] = Method(network, optimiser, torch.compile(network) if compiled else network, clipped)
    rule = latent_range(scheme.weight).rule()
    assert rule is not None
    attach(table["xnorflow"].optimiser, latent_weights(ours), rule)
    return table


def require_equal(table: dict[str, Method], images: Tensor, labels: Tensor) -> None:
    """Step ``xnorflow`` and ``plain`` side by side and compare all that they computed."""
    ours, bare = table["xnorflow"], table["plain"]
    for step in range(CHECKED_STEPS):
        if not torch.equal(ours.step(images, labels), bare.step(images, labels)):
            raise SystemExit(f"step {step}: the losses differ; nothing was timed")
    for (name, mine), other in zip(ours.network.named_parameters(), bare.network.parameters(), strict=True):
        if not torch.equal(mine, other):
            raise SystemExit(f"after {CHECKED_STEPS} steps the weights {name} differ; nothing was timed")


def timed(step: Callable[[], Any], device: str) -> float:
    """Seconds of one call."""
    if device == "cpu":
        begin = time.process_time()
        step()
        return time.process_time() - begin
    torch.cuda.synchronize()
    begin = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - begin


def measure(scheme: QuantScheme, given: argparse.Namespace) -> dict[str, Any]:
    """Images a second of every method, and the ratios of the step's times."""
    table = methods(scheme, given.width, given.device, given.compile)
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(given.batch, 3, IMAGE, IMAGE, generator=generator).to(given.device)
    labels = torch.randint(CLASSES, (given.batch,), generator=generator).to(given.device)
    if not given.compile:
        require_equal(table, images, labels)
    for method in table.values():
        method.step(images, labels)
    samples: dict[str, list[float]] = {name: [] for name in table}
    orders = list(itertools.permutations(table))
    for number in range(given.rounds):
        for name in orders[number % len(orders)]:
            samples[name].append(timed(lambda method=table[name]: method.step(images, labels), given.device))
        print(f"round {number + 1} of {given.rounds}", file=sys.stderr, flush=True)
    return {
        "images_per_second": {name: round(given.batch / statistics.median(values), 1) for name, values in samples.items()},
        "xnorflow_over_plain": ratios(samples["xnorflow"], samples["plain"]),
        "xnorflow_over_float": ratios(samples["xnorflow"], samples["float"]),
    }


def ratios(ours: list[float], others: list[float]) -> dict[str, float]:
    """Minimum, median and maximum of the ratios of the rounds."""
    each = [a / b for a, b in zip(ours, others, strict=True)]
    return {"min": round(min(each), 3), "median": round(statistics.median(each), 3), "max": round(max(each), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=12, help="6 have every order once")
    parser.add_argument("--scheme", choices=list(SCHEMES), action="append", help="all by default")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile every method's network; their bits are not compared then")
    parser.add_argument("--limit", type=float, help="fail when a scheme's median ratio to plain is above this")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(given.device == "cpu")
    warnings.simplefilter("ignore")
    load = os.getloadavg()[0]
    results = {name: measure(SCHEMES[name], given) for name in given.scheme or SCHEMES}
    settings = {"network": NETWORK, "width": given.width, "batch": given.batch, "rounds": given.rounds, "device": given.device}
    gpu = {"gpu": torch.cuda.get_device_name()} if given.device == "cuda" else {}
    about = {**provenance(), **gpu, "torch": torch.__version__, "load_before": round(load, 2)}
    record = {**about, **settings, "compile": given.compile, "schemes": results}
    text = json.dumps(record, indent=2) + "\n"
    print(text, end="")
    if given.out:
        given.out.write_text(text)
    slow = {name: result["xnorflow_over_plain"]["median"] for name, result in results.items()}
    if given.limit is not None and max(slow.values()) > given.limit:
        raise SystemExit(f"over the limit of {given.limit}: {slow}")


if __name__ == "__main__":
    main()
