"""Whole batches of a split by key: from memory, on any device, or from files."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from xnorflow.qat.augmentations.draws import Draws
from xnorflow.qat.augmentations.pipeline import Pipeline
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.order import BatchKey
from xnorflow.qat.data.split import Split

Batch = tuple[Tensor, Tensor]


class Pixels(Protocol):
    """Images of one split as uint8 ``(N, C, H, W)``, varied one by one but not mixed."""

    labels: Tensor

    def varied(self, images: Tensor, draws: Draws) -> Tensor:
        """The images of these numbers."""


class MemoryPixels:
    """A split in memory, on a device, where whole batches are varied.

    Args:
        split: the images.
        pipeline: of the training.
        device: where they stay.
    """

    def __init__(self, split: Split, pipeline: Pipeline, device: torch.device | str = "cpu") -> None:
        self.images = torch.from_numpy(split.images).permute(0, 3, 1, 2).contiguous().to(device)
        self.labels = torch.from_numpy(split.labels).to(device)
        self.pipeline = pipeline

    def varied(self, images: Tensor, draws: Draws) -> Tensor:
        chosen = self.images[images.to(self.images.device)]
        return self.pipeline.vary(chosen, draws, (chosen.shape[2], chosen.shape[3]))


class FilePixels:
    """A split in files, each decoded when it is needed.

    Args:
        split: the files.
        pipeline: of the training; one that does not choose the size varies the evaluation view.
    """

    def __init__(self, split: FileSplit, pipeline: Pipeline) -> None:
        self.split = split
        self.labels = torch.from_numpy(split.labels)
        self.pipeline = pipeline

    def varied(self, images: Tensor, draws: Draws) -> Tensor:
        _, height, width = self.split.input_shape
        read = self.split.decoded if self.pipeline.chooses_size else self.split.viewed
        varied = []
        for position, number in enumerate(images.tolist()):
            pixels = torch.from_numpy(read(number)).permute(2, 0, 1)[None]
            varied.append(self.pipeline.vary(pixels, draws[position : position + 1], (height, width)))
        return torch.cat(varied)


class Batches:
    """Training batches: uint8 ``(N, H, W, C)``, and labels int64 ``(N,)`` or, where images are mixed, float32 ``(N, K)``.

    Args:
        pixels: the images.
        pipeline: of the training.
        classes: number of classes ``K``.
        seed: of the augmentations.
    """

    def __init__(self, pixels: Pixels, pipeline: Pipeline, classes: int, seed: int) -> None:
        self.pixels = pixels
        self.pipeline = pipeline
        self.classes = classes
        self.seed = seed

    def __getitem__(self, key: BatchKey) -> Batch:
        shown = key.images + len(self.pixels.labels) * key.copies
        images = self.pixels.varied(key.images, Draws.of(self.seed, key.epoch, shown).named("image"))
        labels = self.pixels.labels[key.images.to(self.pixels.labels.device)]
        mixing = Draws.of(self.seed, key.epoch, [key.number]).named("batch")
        images, labels = self.pipeline.mix(images, labels, self.classes, mixing)
        return images[key.halo :].permute(0, 2, 3, 1), labels[key.halo :]
