"""Batches one after the other, made here or by worker processes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from xnorflow.errors import BadInputError

Batch = tuple[Tensor, Tensor]


class BatchSource(Protocol):
    """Gives a batch for a key of the loader's order."""

    def __getitem__(self, key: Any) -> Batch:
        """Pixels and labels."""


class Order(Sized, Iterable[Any], Protocol):
    """Keys of the batches of one epoch."""


@dataclass(frozen=True)
class _Refusal:
    message: str


class _InWorker:
    """Hands a refusal over as a value: raised in a worker it would arrive with the worker's traceback in its text."""

    def __init__(self, batches: BatchSource) -> None:
        self.batches = batches

    def __getitem__(self, key: Any) -> Batch | _Refusal:
        try:
            return self.batches[key]
        except BadInputError as error:
            return _Refusal(str(error))


def _as_it_is(batch: Any) -> Any:
    return batch


class BatchLoader:
    """What Lightning iterates over.

    Args:
        batches: gives the batches.
        sampler: their keys; Lightning tells it the epoch.
        workers: processes that make them; 0 for this one.
    """

    batch_sampler = None  # Lightning asks for it wherever it finds a sampler

    def __init__(self, batches: BatchSource, sampler: Order, workers: int = 0) -> None:
        self.batches = batches
        self.sampler = sampler
        self.workers = workers

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[Batch]:
        if self.workers == 0:
            return (self.batches[key] for key in self.sampler)
        return self._by_workers()

    def _by_workers(self) -> Iterator[Batch]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)  # the user chose the number
            loader: DataLoader[Any] = DataLoader(
                _InWorker(self.batches),  # type: ignore[arg-type]  # a map from keys, as a data set is
                sampler=self.sampler,
                batch_size=None,
                num_workers=self.workers,
                collate_fn=_as_it_is,
                pin_memory=torch.cuda.is_available(),
                generator=torch.Generator(),  # else every epoch would draw from the generator that the training draws from
            )
            made = iter(loader)
        for left in reversed(range(len(self))):
            try:
                batch = next(made)
            except (RuntimeError, OSError, EOFError) as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                if reason.startswith("Caught"):  # what the worker itself raised is a fault of ours
                    raise
                raise BadInputError(f"a process of data.workers {self.workers} ended: {reason[:300]}; with fewer, each has more memory") from error
            if isinstance(batch, _Refusal):
                raise BadInputError(batch.message)
            if left == 0:  # Lightning does not ask for more, and the processes would live on beside those of the next loader
                del made, loader
            yield batch
