from __future__ import annotations

import numpy as np
import torch

from xnorflow.qat.augmentations.draws import Draws, seeded_torch


def test_an_items_draws_do_not_depend_on_the_others() -> None:
    together = Draws.of(3, 2, [5, 9, 0]).named("crop")
    alone = Draws.of(3, 2, torch.tensor([9])).named("crop")
    for draw in (lambda d: d.uniform(0), lambda d: d.integers(1, 7), lambda d: d.normal(2), lambda d: np.array(d.seeds())):
        assert draw(together)[1] == draw(alone)[0]


def test_seed_epoch_item_name_and_number_each_change_the_draw() -> None:
    values = [
        Draws.of(seed, epoch, [item]).named(name).uniform(number)[0]
        for seed in (0, 1)
        for epoch in (0, 1)
        for item in (0, 1)
        for name in ("crop", "flip")
        for number in (0, 1)
    ]
    assert len(set(values)) == 32


def test_draws_are_even_and_normal_draws_have_deviation_one() -> None:
    draws = Draws.of(0, 0, range(60_000))
    counts = np.bincount(draws.integers(0, 9), minlength=9)
    assert len(counts) == 9
    assert abs(counts - 60_000 / 9).max() < 5 * np.sqrt(60_000 / 9)
    uniform, normal = draws.uniform(1), draws.normal(2)
    assert 0 <= uniform.min() < uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.01
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02


def test_neighbouring_items_and_epochs_are_uncorrelated() -> None:
    first, second = Draws.of(0, 0, range(20_000)).uniform(0), Draws.of(0, 1, range(20_000)).uniform(0)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03


def test_the_largest_seed_is_accepted() -> None:
    assert Draws.of(2**32 - 1, 0, [2**40]).integers(0, 2**31)[0] >= 0


def test_torchs_own_generator_goes_on_as_if_nothing_was_drawn() -> None:
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)
    with seeded_torch() as generator:
        generator.manual_seed(1)
        torch.rand(3)
    assert torch.equal(torch.rand(2), expected)
