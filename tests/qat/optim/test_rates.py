"""Schedules against formulas written out here, at every step."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models import build
from xnorflow.qat.optim.bop import BopSettings
from xnorflow.qat.optim.build import build_optimiser, build_schedule, rate_schedule
from xnorflow.qat.optim.groups import GroupSettings
from xnorflow.qat.optim.rates import RateSchedule
from xnorflow.qat.quantise import quantise
from xnorflow.qat.train_settings import TrainSettings

STEPS = 10


def rates(**settings: object) -> list[float]:
    train = TrainSettings(**({"epochs": 8, "lr": 0.5} | settings))
    return [train.lr * rate_schedule(train, STEPS)(step) for step in range(train.epochs * STEPS + 1)]


def test_cosine_falls_to_its_floor() -> None:
    wanted = [1e-3 + (0.5 - 1e-3) * (1 + math.cos(math.pi * step / 80)) / 2 for step in range(81)]
    assert rates(lr_end=1e-3) == pytest.approx(wanted, rel=1e-12)


def test_linear_falls_to_zero() -> None:
    assert rates(schedule="linear") == pytest.approx([0.5 * (1 - step / 80) for step in range(81)], rel=1e-12)


def test_steps_multiply_at_the_beginning_of_their_epochs() -> None:
    found = rates(schedule="step", step_epochs=(3, 5), step_factor=0.2)
    assert found[:81] == pytest.approx([0.5] * 30 + [0.1] * 20 + [0.02] * 31, rel=1e-12)


def test_constant_stays() -> None:
    assert set(rates(schedule="constant")) == {0.5}


def test_once_an_epoch_the_rate_is_that_of_the_epochs_first_step() -> None:
    fine, coarse = rates(schedule="linear"), rates(schedule="linear", schedule_unit="epoch")
    assert coarse == [fine[step - step % STEPS] for step in range(81)]


def test_a_warm_up_begins_at_its_rate_and_ends_at_the_schedules_first() -> None:
    found = rates(warmup_epochs=2, warmup_lr=0.1, schedule="linear")
    assert found[:20] == pytest.approx([0.1 + 0.4 * step / 20 for step in range(20)], rel=1e-12)
    assert found[20:] == pytest.approx([0.5 * (1 - (step - 20) / 60) for step in range(20, 81)], rel=1e-12)


def test_a_warm_up_once_an_epoch_begins_at_its_rate() -> None:
    found = rates(warmup_epochs=2, warmup_lr=0.1, schedule="constant", schedule_unit="epoch")
    assert found == pytest.approx([0.1] * 10 + [0.3] * 10 + [0.5] * 61, rel=1e-12)


@pytest.mark.parametrize("unit", ["step", "epoch"])
def test_a_warm_up_without_a_rate_never_stands_still(unit: str) -> None:
    found = rates(warmup=0.25, schedule="constant", schedule_unit=unit)
    assert all(rate > 0 for rate in found)
    assert found == sorted(found)
    assert found[19] < 0.5 == found[20]


def test_every_group_and_gamma_follow_their_own_schedule() -> None:
    network = quantise(build("bireal-20", input_shape=(3, 8, 8), num_classes=10, width=0.125))
    settings = TrainSettings(4, lr=0.1, schedule="constant", groups=(GroupSettings("norm", 0.5),), bop=BopSettings(1e-3, gamma_end=1e-4))
    optimiser = build_optimiser(network, settings)
    schedule = build_schedule(optimiser, settings, STEPS)
    for step in range(41):
        norm, others, gamma = (group["lr"] for group in optimiser.param_groups)
        assert (norm, others) == (0.05, 0.1)
        assert gamma == pytest.approx(1e-3 - (1e-3 - 1e-4) * step / 40, rel=1e-9)
        optimiser.step()
        schedule.step()


def test_a_schedules_state_is_plain_and_travels_through_a_checkpoint() -> None:
    settings = TrainSettings(4, schedule="step", step_epochs=(1, 2))
    optimiser = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=settings.lr)
    state = build_schedule(optimiser, settings, STEPS).state_dict()
    assert state["lr_lambdas"] == [vars(rate_schedule(settings, STEPS))]
    assert all(isinstance(value, str | int | float | list) for value in state["lr_lambdas"][0].values())


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(BadInputError, match="schedule 'stairs' is not known; known are cosine, linear, step, constant"):
        RateSchedule("stairs", 10)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step_epochs": (3,)}, r"train\.schedule cosine with train\.step_epochs \[3\]; step needs them, the others none"),
        ({"schedule": "step"}, r"train\.schedule step with train\.step_epochs \[\]"),
        ({"schedule": "step", "step_epochs": (3, 8)}, r"train\.step_epochs \[3, 8\] do not rise, or are not all between 0 and the 8 epochs"),
        ({"schedule": "step", "step_epochs": (0,)}, "are not all between 0"),
        ({"schedule": "step", "step_epochs": (5, 3)}, "do not rise"),
        ({"schedule": "step", "step_epochs": (3, 3)}, "do not rise"),
        ({"schedule": "step", "step_epochs": (3,), "step_factor": 1.0}, r"train\.step_factor 1\.0 is not in \(0, 1\)"),
        ({"schedule": "constant", "lr_end": 0.1}, "is for the schedules cosine and linear"),
        ({"lr_end": 0.6}, r"train\.lr_end 0\.6 is not between 0 and train\.lr 0\.5"),
        ({"warmup_epochs": 8}, r"train\.warmup_epochs 8 is not below the 8 epochs"),
        ({"warmup_epochs": -1}, r"train\.warmup_epochs -1"),
        ({"warmup_epochs": 1, "warmup": 0.1}, r"train\.warmup and train\.warmup_epochs are given"),
        ({"warmup_lr": 0.1}, "without a warm-up"),
        ({"warmup_epochs": 1, "warmup_lr": 0.6}, r"train\.warmup_lr 0\.6 is not between"),
        ({"schedule_unit": "batch"}, r"train\.schedule_unit 'batch' is not known; known are step, epoch"),
        ({"optimiser": "lion"}, r"train\.optimiser 'lion' is not known; known are adam, adamw, sgd"),
        ({"optimiser": "sgd", "betas": (0.9, 0.99)}, r"train\.betas is for adam and adamw"),
        ({"momentum": 0.5}, r"train\.momentum and train\.nesterov are for sgd"),
        ({"nesterov": True}, r"train\.momentum and train\.nesterov are for sgd"),
        ({"optimiser": "sgd", "momentum": 0.0, "nesterov": True}, r"train\.nesterov needs a train\.momentum above 0"),
        ({"betas": (0.9, 1.0)}, r"train\.betas \[0\.9, 1\.0\]"),
        ({"groups": (GroupSettings("norm"), GroupSettings("norm"))}, "each kind may be named once"),
        ({"groups": (GroupSettings("binary"),), "bop": BopSettings()}, r"train\.groups names binary, but train\.bop has these parameters"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        rates(**settings)
