"""Consecutive distillation (BNext) on digits."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("seed", [0, 1, 2])]


def test_the_assistant_changes_once_at_the_exact_epoch(measured, seed: int) -> None:
    measured("consecutive", seed).meets("changes of the assistant", "epoch of the change")


def test_shares_of_the_teachers_sum_to_one(measured, seed: int) -> None:
    measured("consecutive", seed).meets("error of the sum of shares")


def test_the_strong_teachers_share_rises(measured, seed: int) -> None:
    measured("consecutive", seed).meets("rise of the share")


def test_the_papers_sign_is_no_worse_than_the_codes(measured, seed: int) -> None:
    measured("consecutive", seed).meets("advantage of the sign")
