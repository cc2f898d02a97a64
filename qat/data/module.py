"""The data sets as a Lightning data module: in memory, batched by index, shuffled by seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from xnorflow.qat.augment import random_crop, random_flip
from xnorflow.qat.data.split import Split

EVAL_BATCH = 1000
EPOCH_STRIDE = 1_000_003


class PixelBatches(Dataset[tuple[Tensor, Tensor]]):
    """Whole batches of one split: indexed by a list of image numbers, it gives uint8 ``(N, H, W, C)`` and labels."""

    def __init__(self, split: Split) -> None:
        self.images = torch.from_numpy(split.images)
        self.labels = torch.from_numpy(split.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: list[int] | Tensor) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]


class AugmentedBatches(PixelBatches):
    """Batches varied by a generator that depends on the first image and the epoch only, so that a resumed run repeats them."""

    def __init__(self, split: Split, crop: int, flip: bool) -> None:
        super().__init__(split)
        self.crop = crop
        self.flip = flip

    def __getitem__(self, index: list[int] | Tensor) -> tuple[Tensor, Tensor]:
        pixels, labels = super().__getitem__(index)
        order = torch.as_tensor(index)
        weights = torch.arange(1, len(order) + 1)
        generator = torch.Generator().manual_seed(int((order * weights).sum()))
        if self.crop:
            pixels = random_crop(pixels, self.crop, generator)
        if self.flip:
            pixels = random_flip(pixels, generator)
        return pixels, labels


class ShuffledBatches(Sampler[Tensor]):
    """Index tensors of ``batch_size`` in an order that seed and epoch decide; Lightning calls :meth:`set_epoch`."""

    def __init__(self, images: int, batch_size: int, seed: int) -> None:
        self.images = images
        self.batch_size = min(batch_size, images)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.images // self.batch_size

    def __iter__(self) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(self.seed + EPOCH_STRIDE * self.epoch)
        order = torch.randperm(self.images, generator=generator)
        yield from order[: len(self) * self.batch_size].reshape(-1, self.batch_size)


class ImageData(lightning.LightningDataModule):
    """Training and test images of one data set.

    Args:
        train, test: the splits.
        batch_size: images of a training batch; an incomplete last one is left out.
        seed: of the order.
        crop: border of the random crop in pixels.
        flip: whether to mirror at random.
    """

    def __init__(self, train: Split, test: Split, *, batch_size: int, seed: int = 0, crop: int = 0, flip: bool = False) -> None:
        super().__init__()
        self.test_split = test
        self.batches = AugmentedBatches(train, crop, flip)
        self.sampler = ShuffledBatches(len(train), batch_size, seed)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        return DataLoader(self.batches, sampler=self.sampler, batch_size=None)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        return evaluation_loader(self.test_split)


def evaluation_loader(split: Split) -> DataLoader[tuple[Tensor, Tensor]]:
    """All images of a split in order, in batches of :data:`EVAL_BATCH`."""
    chunks = list(torch.split(torch.arange(len(split)), EVAL_BATCH))
    return DataLoader(PixelBatches(split), sampler=chunks, batch_size=None)
