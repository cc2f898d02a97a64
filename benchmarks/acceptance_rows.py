"""The acceptance figures of the training methods on scikit-learn's digits: how each is measured, and what it must be."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

import torch
from acceptance_measures import (
    accuracy,
    accuracy_as_it_is,
    assistants,
    freeze_now,
    greatest_distance_to_one,
    refused_as_soft,
    shapes,
    strong_shares,
)
from acceptance_runs import Run, Runs, stages_of

from xnorflow.qat.binarisers.progressive import ProgressiveSign
from xnorflow.qat.latents import latent_weights
from xnorflow.qat.regularise.metrics import near_one_share

Figures = dict[str, float]
OPTIMISERS = {"ProxQuant L1": "prox-l1", "ProxQuant L2": "prox-l2", "BMD": "mirror", "Bop": "bop", "Bop2": "last"}
BNEW_FREEZE = 21  # epochs before it
NOT_BINARY = "of the weights are binary"
CURVES = {
    "weights": {
        "kurtosis, target 1": ("two-modes", "weights/kurtosis"),
        "kurtosis, target 1.8": ("uniform", "weights/kurtosis"),
        "kurtosis, no regulariser": ("free", "weights/kurtosis"),
        "cosine to the sign, target 1": ("two-modes", "weights/cosine"),
        "divergence, mimicking": ("last", "terms/mimicking"),
        "divergence, control": ("control", "terms/mimicking"),
    },
    "real-to-binary": {
        "attention distance, matched": ("stage-0", "terms/attention"),
        "attention distance, control": ("unmatched", "terms/attention"),
    },
    "bnew": {"weights near one, BNEW": ("last", "weights/near_one")},
    "optimisers": {"flipped signs, Bop": ("bop", "weights/flips"), "flipped signs, Bop2": ("last", "weights/flips")},
}
RELATIONS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq}


@dataclass(frozen=True)
class Bound:
    """What a figure must be: ``figure relation limit``."""

    figure: str
    relation: str
    limit: float

    def text(self) -> str:
        """The relation and the limit."""
        return f"{self.relation} {self.limit:g}"

    def holds(self, figures: Figures) -> bool:
        """Whether it is."""
        return bool(RELATIONS[self.relation](figures[self.figure], self.limit))


@dataclass(frozen=True)
class Row:
    """One experiment.

    Attributes:
        name: of the row.
        recipe: the one in ``acceptance/`` that it trains; rows of the same one share its training.
        measure: gives the figures of a seed.
        bounds: all of them hold on every seed.
    """

    name: str
    recipe: str
    measure: Callable[[Runs, int], Figures]
    bounds: tuple[Bound, ...]

    def title(self) -> str:
        """What was done, in words."""
        return str(self.measure.__doc__).rstrip(".")


def training(runs: Runs, name: str, seed: int) -> Run:
    """The training of a recipe of ``acceptance/``; its checkpoint ``paused`` is that of the moment which its row looks at."""
    last = stages_of(name)[-1].train.epochs
    before = sum(stage.train.epochs for stage in stages_of(name)[:-1])
    pauses = {"distillation": before + 1, "bnew": BNEW_FREEZE, "progressive": last // 2}
    return runs.train(name, seed, pause=pauses.get(name))


def kurtosis(runs: Runs, seed: int) -> Figures:
    """BD-BNN's regulariser with its two targets and without; the worst layer counts."""
    run = training(runs, "weights", seed)
    modes, flat, free = (shapes(run.network(stage)) for stage in ("two-modes", "uniform", "free"))
    return {
        "kurtosis, target 1": max(modes.kurtosis),
        "cosine to the sign, target 1": min(modes.cosine),
        "distance to the target, target 1.8": max(abs(each - 1.8) for each in flat.kurtosis),
        "kurtosis, no regulariser": min(free.kurtosis),
        "cosine to the sign, no regulariser": min(free.cosine),
    }


def mimicking(runs: Runs, seed: int) -> Figures:
    """BD-BNN's weight-distribution mimicking; the divergence is the mean over layers and an epoch."""
    run = training(runs, "weights", seed)
    mimic, control, raw = (run.curve(stage, "terms/mimicking") for stage in ("last", "control", "raw"))
    return {
        "divergence, first epoch": mimic[0],
        "divergence, last epoch": mimic[-1],
        "fall": 1 - mimic[-1] / mimic[0],
        "growth of the control": control[-1] / control[0],
        "least divergence": min(mimic + control),
        "least of the raw form": min(raw),
        "kurtosis": run.curve("last", "weights/kurtosis")[-1],
        "kurtosis of the control": run.curve("control", "weights/kurtosis")[-1],
    }


def attention(runs: Runs, seed: int) -> Figures:
    """Real-to-Binary's stage 0 with attention matching and without."""
    run = training(runs, "real-to-binary", seed)
    matched, control = (run.curve(stage, "terms/attention") for stage in ("stage-0", "unmatched"))
    return {
        "distance, first epoch": matched[0],
        "distance, last epoch": matched[-1],
        "fall": 1 - matched[-1] / matched[0],
        "distance of the control": control[-1],
        "share of the control's": matched[-1] / control[-1],
    }


def chain(runs: Runs, seed: int) -> Figures:
    """Real-to-Binary's chain against training from scratch, and that its last stage starts where the one before ended."""
    run = training(runs, "real-to-binary", seed)
    # A rate too small to move any parameter shows where the last stage starts.
    still = runs.train("real-to-binary", seed, "train.epochs=1", "data.limit_train=64", "stages.stage-2.train={lr: 1e-300}")
    before, after = (dict(still.network(stage).named_parameters()) for stage in ("stage-1", "last"))
    scratch, last = accuracy(run.checkpoint("scratch")), accuracy(run.checkpoint())
    return {
        **{f"accuracy, {stage}": accuracy_as_it_is(run, run.network(stage)) for stage in ("standard", "stage-0", "stage-1")},
        "accuracy, stage-2": last,
        "accuracy, scratch": scratch,
        "gain over scratch": last - scratch,
        "parameters that differ at the start": sum(not torch.equal(before[name], after[name]) for name in before.keys() | after.keys()),
    }


def consecutive(runs: Runs, seed: int) -> Figures:
    """BNext's consecutive distillation: which assistant teaches when, and how much the strong teacher weighs."""
    run = training(runs, "distillation", seed)
    begin, end = strong_shares(run, run.network("paused"), "wide", "poor"), strong_shares(run, run.network(), "wide", "fair")
    names = assistants(run, stages_of("distillation")[-1])
    changes = [epoch for epoch in range(1, len(names)) if names[epoch] != names[epoch - 1]]
    right, reversed_sign = accuracy(run.checkpoint()), accuracy(run.checkpoint("reverse"))
    return {
        "epochs": len(names),
        "changes of the assistant": len(changes),
        "epoch of the change": changes[0],
        "strong teacher's share, first epoch": float(begin[:, 0].mean()),
        "strong teacher's share, last epoch": float(end[:, 0].mean()),
        "rise of the share": float(end[:, 0].mean() - begin[:, 0].mean()),
        "error of the sum of shares": float((torch.cat([begin, end]).sum(1) - 1).abs().max()),
        "accuracy": right,
        "accuracy, sign reversed": reversed_sign,
        "advantage of the sign": right - reversed_sign,
    }


def distribution(runs: Runs, seed: int) -> Figures:
    """APD's distance of the last features to two teachers, in equal trainings with it and without."""
    run = training(runs, "distillation", seed)
    with_it, without = (run.curve(stage, "terms/distribution")[-1] for stage in ("group", "alone"))
    return {"distance": with_it, "distance of the control": without, "share of the control's": with_it / without}


def bnew(runs: Runs, seed: int) -> Figures:
    """BNEW's regulariser: how binary the weights are when they are frozen, and what that costs; and a rate that is too low."""
    run = training(runs, "bnew", seed)
    weak = runs.train("bnew", seed, "method.rule.arguments.rate=0.001", pause=BNEW_FREEZE)
    frozen = freeze_now(run, run.network("paused"))
    return {
        "share of weights near one": frozen.share,
        "accuracy before the freeze": frozen.before,
        "accuracy right after it": frozen.after,
        "drop": frozen.before - frozen.after,
        "accuracy": accuracy(run.checkpoint()),
        "distance to one": greatest_distance_to_one(run.network()),
        "warnings": sum(NOT_BINARY in line for line in run.told),
        "share of weights near one, rate 0.001": near_one_share(latent_weights(weak.network("paused"))),
        "warnings, rate 0.001": sum(NOT_BINARY in line for line in weak.told),
    }


def optimisers(runs: Runs, seed: int) -> Figures:
    """ProxQuant, mirror descent and both forms of Bop end with signs only; Bop's flips cease."""
    run = training(runs, "optimisers", seed)
    flips = {name: run.curve(stage, "weights/flips") for name, stage in (("Bop", "bop"), ("Bop2", "last"))}
    return {
        **{f"distance to one, {name}": greatest_distance_to_one(run.network(stage)) for name, stage in OPTIMISERS.items()},
        **{f"accuracy, {name}": accuracy(run.checkpoint(stage)) for name, stage in OPTIMISERS.items()},
        **{f"fall of the flips, {name}": 1 - curve[-1] / curve[0] for name, curve in flips.items()},
    }


def progressive(runs: Runs, seed: int) -> Figures:
    """BNext's temperature follows the epochs; with its own factor of 0.9 a short training is refused."""
    run = training(runs, "progressive", seed)
    half = [part for part in run.network("paused").modules() if isinstance(part, ProgressiveSign)]
    return {
        "temperature at half, over the threshold": max(float(part.temperature) / part.threshold for part in half),
        "distance to one": greatest_distance_to_one(run.network()),
        "accuracy": accuracy(run.checkpoint()),
        "refusals of factor 0.9": refused_as_soft(
            lambda: runs.train("progressive", seed, "train.epochs=24", "data.limit_train=256", "quant.weight_settings={gamma: 0.9}")
        ),
    }


def temperatures(runs: Runs, seed: int) -> list[float]:
    """BNext's temperature in each epoch of its row's training."""
    (stage,) = stages_of("progressive")
    (part, *_) = (part for part in training(runs, "progressive", seed).network().modules() if isinstance(part, ProgressiveSign))
    values = []
    for epoch in range(stage.train.epochs):
        part.set_epoch(epoch, stage.train.epochs)
        values.append(float(part.temperature))
    return values


def curves(runs: Runs, recipe: str, seed: int) -> dict[str, list[float]]:
    """What the training of a recipe did by the epoch."""
    if recipe == "progressive":
        return {"temperature, BNext": temperatures(runs, seed)}
    shown = CURVES.get(recipe, {})
    return {name: training(runs, recipe, seed).curve(stage, column) for name, (stage, column) in shown.items()}


ROWS = (
    Row(
        "kurtosis",
        "weights",
        kurtosis,
        (
            Bound("kurtosis, target 1", "<=", 1.25),
            Bound("cosine to the sign, target 1", ">=", 0.95),
            Bound("distance to the target, target 1.8", "<=", 0.1),
            Bound("kurtosis, no regulariser", ">", 2.5),
        ),
    ),
    Row(
        "mimicking",
        "weights",
        mimicking,
        (
            Bound("fall", ">=", 0.9),
            Bound("growth of the control", ">=", 1.0),
            Bound("least divergence", ">=", 0.0),
            Bound("least of the raw form", "<", 0.0),
        ),
    ),
    Row("attention", "real-to-binary", attention, (Bound("fall", ">=", 0.35), Bound("share of the control's", "<=", 0.5))),
    Row("chain", "real-to-binary", chain, (Bound("gain over scratch", ">=", 0.03), Bound("parameters that differ at the start", "==", 0))),
    Row(
        "consecutive",
        "distillation",
        consecutive,
        (
            Bound("changes of the assistant", "==", 1),
            Bound("epoch of the change", "==", 5),
            Bound("error of the sum of shares", "<=", 1e-6),
            Bound("rise of the share", ">", 0.0),
            Bound("advantage of the sign", ">=", 0.0),
        ),
    ),
    Row("distribution", "distillation", distribution, (Bound("share of the control's", "<=", 0.8),)),
    Row(
        "bnew",
        "bnew",
        bnew,
        (
            Bound("share of weights near one", ">=", 0.99),
            Bound("drop", "<=", 0.01),
            Bound("distance to one", "==", 0),
            Bound("warnings", "==", 0),
            Bound("warnings, rate 0.001", "==", 1),
        ),
    ),
    Row(
        "optimisers",
        "optimisers",
        optimisers,
        (
            *(Bound(f"distance to one, {name}", "==", 0) for name in OPTIMISERS),
            Bound("fall of the flips, Bop", ">=", 0.95),
            Bound("fall of the flips, Bop2", ">=", 0.95),
        ),
    ),
    Row(
        "progressive",
        "progressive",
        progressive,
        (
            Bound("temperature at half, over the threshold", "<", 1.0),
            Bound("distance to one", "==", 0),
            Bound("refusals of factor 0.9", "==", 1),
        ),
    ),
)
