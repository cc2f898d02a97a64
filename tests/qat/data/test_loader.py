from __future__ import annotations

import multiprocessing
import os
import signal
from typing import Any

import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.data.loader import BatchLoader

Batch = tuple[torch.Tensor, torch.Tensor]


class Numbers:
    """The batch of key ``n`` is full of ``n``."""

    def __getitem__(self, key: int) -> Batch:
        return torch.full((2,), key), torch.full((2,), -key)


class Killed(Numbers):
    """The process that makes batch 3 is killed."""

    def __getitem__(self, key: int) -> Batch:
        if key == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(key)


class Faulty(Numbers):
    """Batch 3 has a programming error."""

    def __getitem__(self, key: int) -> Batch:
        if key == 3:
            raise RuntimeError("wrong shape")
        return super().__getitem__(key)


def values(loader: BatchLoader) -> list[Any]:
    return [(int(first[0]), int(second[1])) for first, second in loader]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_come_in_the_order_of_the_keys(workers: int) -> None:
    loader = BatchLoader(Numbers(), [4, 2, 9, 0, 7], workers)
    assert len(loader) == 5
    assert values(loader) == values(loader) == [(4, -4), (2, -2), (9, -9), (0, 0), (7, -7)]


def test_a_worker_that_is_killed_ends_the_training_in_one_line() -> None:
    with pytest.raises(BadInputError, match=r"^a process of data\.workers 1 ended: [^\n]+; with fewer, each has more memory$"):
        values(BatchLoader(Killed(), [1, 2, 3, 4], 1))


def test_a_programming_error_in_a_worker_stays_one() -> None:
    with pytest.raises(RuntimeError, match="wrong shape"):
        values(BatchLoader(Faulty(), [1, 2, 3, 4], 1))


def test_the_processes_are_gone_when_the_last_batch_is_handed_over() -> None:
    before = {child.pid for child in multiprocessing.active_children()}
    batches = iter(BatchLoader(Numbers(), [1, 2, 3], 2))
    next(batches)
    assert len({child.pid for child in multiprocessing.active_children()} - before) == 2
    next(batches)
    next(batches)
    assert {child.pid for child in multiprocessing.active_children()} <= before
