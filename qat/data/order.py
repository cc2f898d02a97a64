"""The order of the training images: batches that seed and epoch decide, divided among processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Sampler

from xnorflow.errors import BadInputError

EPOCH_STRIDE = 1_000_003


@dataclass(frozen=True, eq=False)
class BatchKey:
    """Names one batch of one process, and with the seed all random draws for it.

    Attributes:
        epoch: 0 first.
        number: of the batch within the epoch, 0 first.
        images: int64 ``(N,)``, image numbers.
        copies: int64 ``(N,)``, how often each has come in this epoch before.
        halo: so many at the front are only there to be mixed with those after them, and are no part of the result.
    """

    epoch: int
    number: int
    images: Tensor
    copies: Tensor
    halo: int = 0


class ShuffledBatches(Sampler[BatchKey]):
    """Batches in an order that seed and epoch decide; Lightning calls :meth:`set_epoch`.

    Args:
        images: size of the data set.
        batch_size: images of a batch, of all processes together; an incomplete last batch is left out.
        seed: of the order.
        copies: how often every image comes, one after the other; an epoch has as many batches as ever.
        mixes: how many augmentations mix each image with the one before it in the batch.
        rank, ranks: this process and their number; process 0 takes the first share of every batch, and so on.

    Attributes:
        done: batches that the next pass leaves out, since the training that goes on had them.

    Raises:
        BadInputError: a batch cannot be divided evenly among the processes.
    """

    def __init__(self, images: int, batch_size: int, seed: int, *, copies: int = 1, mixes: int = 0, rank: int = 0, ranks: int = 1) -> None:
        self.images = images
        self.batch_size = min(batch_size, images)
        self.seed = seed
        self.copies = copies
        self.halo = mixes if ranks > 1 else 0
        self.epoch = 0
        self.done = 0
        if self.batch_size % ranks:
            raise BadInputError(f"a batch of {self.batch_size} images cannot be divided among {ranks} processes; choose train.batch_size")
        share = self.batch_size // ranks
        self.part = torch.arange(rank * share - self.halo, (rank + 1) * share) % self.batch_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.images // self.batch_size

    def __iter__(self) -> Iterator[BatchKey]:
        generator = torch.Generator().manual_seed(self.seed + EPOCH_STRIDE * self.epoch)
        order = torch.randperm(self.images, generator=generator).repeat_interleave(self.copies)
        copies = torch.arange(len(order)) % self.copies
        done, self.done = self.done, 0
        for number in range(done, len(self)):
            chosen = number * self.batch_size + self.part
            yield BatchKey(self.epoch, number, order[chosen], copies[chosen], self.halo)
