"""The data sets as a Lightning data module."""

from __future__ import annotations

import math

import lightning
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.augmentations.pipeline import Pipeline
from xnorflow.qat.data.batches import Batches, FilePixels, MemoryPixels, Pixels
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.loader import BatchLoader
from xnorflow.qat.data.order import BatchKey, ShuffledBatches
from xnorflow.qat.data.settings import DataSettings
from xnorflow.qat.data.split import Split

EVAL_BATCH = 1000
EVAL_VALUES = 2**23  # pixels times channels of an evaluation batch, at most
MEGABYTE = 2**20


class ImageData(lightning.LightningDataModule):
    """Training and test images of one data set.

    A data set in memory stays on the device of the trainer and is varied there; one too large for ``device_megabytes`` stays in
    the host's memory, and one in files is decoded as it is needed, both by ``workers``. The pixels are the same.

    Args:
        train, test: the splits.
        batch_size: images of a training batch, of all processes together; an incomplete last one is left out.
        seed: of the order and of the augmentations.
        settings: augmentations and where they run; None for no augmentation.
        rank, ranks: this process and the number of processes that train together.

    Raises:
        BadInputError: a batch cannot be divided among the processes.
    """

    def __init__(
        self,
        train: Split | FileSplit,
        test: Split | FileSplit,
        *,
        batch_size: int,
        seed: int = 0,
        settings: DataSettings | None = None,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        super().__init__()
        self.train_split, self.test_split = train, test
        self.settings = settings or DataSettings("")
        self.pipeline = self.settings.pipeline()
        self.seed, self.rank, self.ranks = seed, rank, ranks
        mixes, copies = self.pipeline.mixes, self.pipeline.copies
        self.sampler = ShuffledBatches(len(train), batch_size, seed, copies=copies, mixes=mixes, rank=rank, ranks=ranks)

    def train_dataloader(self) -> BatchLoader:
        device = self._device(self.train_split)
        pixels: Pixels
        if isinstance(self.train_split, FileSplit):
            pixels = FilePixels(self.train_split, self.pipeline)
        else:
            pixels = MemoryPixels(self.train_split, self.pipeline, device)
        batches = Batches(pixels, self.pipeline, len(self.train_split.classes), self.seed)
        return BatchLoader(batches, self.sampler, self.settings.workers if device.type == "cpu" else 0)

    def val_dataloader(self) -> BatchLoader:
        device = self._device(self.test_split)
        workers = self.settings.workers if isinstance(self.test_split, FileSplit) else 0
        return evaluation_loader(self.test_split, device=device, workers=workers, rank=self.rank, ranks=self.ranks)

    def _device(self, split: Split | FileSplit) -> torch.device:
        """Where a split's pixels are varied."""
        fits = isinstance(split, Split) and split.images.nbytes <= self.settings.device_megabytes * MEGABYTE
        if self.trainer is None or not fits:
            return torch.device("cpu")
        return self.trainer.strategy.root_device


def evaluation_loader(
    split: Split | FileSplit, *, device: torch.device | str = "cpu", workers: int = 0, rank: int = 0, ranks: int = 1
) -> BatchLoader:
    """All images of a split in order, unvaried, in batches of up to :data:`EVAL_BATCH`.

    Args:
        split: the images.
        device: where a split in memory is put.
        workers: processes that decode files.
        rank: this process, which takes its share of every batch.
        ranks: number of processes.

    Raises:
        BadInputError: there are more processes than images.
    """
    if len(split) < ranks:
        raise BadInputError(f"{len(split)} test images cannot be divided among {ranks} processes")
    most = min(EVAL_BATCH, max(1, EVAL_VALUES // math.prod(split.input_shape)))
    shares = torch.tensor_split(torch.arange(len(split)), max(math.ceil(len(split) / most), 1) * ranks)[rank::ranks]
    keys = [BatchKey(0, number, images, torch.zeros_like(images)) for number, images in enumerate(shares)]
    none = Pipeline()
    pixels: Pixels = FilePixels(split, none) if isinstance(split, FileSplit) else MemoryPixels(split, none, device)
    return BatchLoader(Batches(pixels, none, len(split.classes), 0), keys, workers)
