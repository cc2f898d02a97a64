"""The same pixels, whoever makes them: this process, workers, several processes, from memory or from files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from xnorflow.qat.augmentations.line import AugmentationLine
from xnorflow.qat.data.batches import Batches, MemoryPixels
from xnorflow.qat.data.module import ImageData, evaluation_loader
from xnorflow.qat.data.order import ShuffledBatches
from xnorflow.qat.data.settings import DataSettings
from xnorflow.qat.data.sources import open_split
from xnorflow.qat.data.split import Split

SIZE = 12
EVERYTHING = (
    AugmentationLine("repeated", {"copies": 2}),
    AugmentationLine("random-resized-crop", {"scale": [0.3, 1.0]}),
    AugmentationLine("randaugment"),
    AugmentationLine("colour-jitter", {"hue": 0.1}),
    AugmentationLine("rotation"),
    AugmentationLine("lighting"),
    AugmentationLine("mixup", {"alpha": 0.2}),
    AugmentationLine("cutmix"),
)
CHEAP = (AugmentationLine("mixup"),)


def split(count: int = 20) -> Split:
    images = np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)
    return Split(images, np.arange(count) % 4, ("a", "b", "c", "d"))


def settings(augment: tuple[AugmentationLine, ...] = EVERYTHING, **others: object) -> DataSettings:
    return DataSettings("digits", crop=2, flip=True, augment=augment, **others)


def data(train: object, chosen: DataSettings, **others: int) -> ImageData:
    return ImageData(train, split(), batch_size=8, seed=5, settings=chosen, **others)


def epoch(module: ImageData, number: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    module.sampler.set_epoch(number)
    return list(module.train_dataloader())


def assert_same(first: list[tuple[torch.Tensor, torch.Tensor]], second: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    assert len(first) == len(second) > 0
    for (pixels, labels), (others, their_labels) in zip(first, second, strict=True):
        assert torch.equal(pixels, others)
        assert torch.equal(labels, their_labels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The images of :func:`split` as PNG files, so named that sorting keeps their order."""
    whole = split()
    for half in ("train", "test"):
        for name in whole.classes:
            (tmp_path / half / name).mkdir(parents=True)
        for number, (image, label) in enumerate(zip(whole.images, whole.labels, strict=True)):
            Image.fromarray(image).save(tmp_path / half / whole.classes[label] / f"{number:03}.png")
    return tmp_path


def test_batches_are_integer_pixels_and_shares_of_the_labels() -> None:
    pixels, labels = epoch(data(split(), settings()))[0]
    assert (pixels.dtype, pixels.shape) == (torch.uint8, (8, SIZE, SIZE, 3))
    assert (labels.dtype, labels.shape) == (torch.float32, (8, 4))
    assert torch.allclose(labels.sum(1), torch.ones(8))


def test_without_mixing_the_labels_are_the_images_own() -> None:
    chosen = data(split(), DataSettings("digits"))
    for (pixels, labels), key in zip(epoch(chosen), chosen.sampler, strict=True):
        assert np.array_equal(pixels.numpy(), split().images[key.images])
        assert np.array_equal(labels.numpy(), split().labels[key.images])


def test_workers_make_the_same_pixels_from_memory_and_from_files(folder: Path) -> None:
    expected = epoch(data(split(), settings()), 1)
    assert_same(epoch(data(split(), settings(workers=2)), 1), expected)
    chosen = settings(workers=3, size=SIZE, crop_ratio=1.0)
    files = open_split(f"folder={folder}", "train", chosen.view())
    order = [int(Path(name).stem) for name in files.files]
    sorted_split = Split(split().images[order], split().labels[order], split().classes)
    assert_same(epoch(data(files, chosen), 1), epoch(data(sorted_split, settings()), 1))


def test_an_epoch_does_not_depend_on_what_ran_before() -> None:
    run = data(split(), settings())
    whole = [epoch(run, number) for number in range(3)]
    torch.manual_seed(99)
    assert_same(epoch(data(split(), settings()), 2), whole[2])
    assert not torch.equal(whole[0][0][0], whole[1][0][0])


def test_a_batch_does_not_depend_on_those_before_it() -> None:
    run = data(split(), settings())
    expected = epoch(run)
    keys, loader = list(run.sampler), run.train_dataloader()
    assert_same([loader.batches[keys[1]], loader.batches[keys[0]]], [expected[1], expected[0]])


@pytest.mark.parametrize("augment", [EVERYTHING, CHEAP])
@pytest.mark.parametrize("ranks", [2, 4])
def test_processes_that_train_together_see_the_images_of_one(augment: tuple[AugmentationLine, ...], ranks: int) -> None:
    expected = epoch(data(split(), settings(augment)))
    shares = [epoch(data(split(), settings(augment), rank=rank, ranks=ranks)) for rank in range(ranks)]
    joined = [tuple(torch.cat([share[number][part] for share in shares]) for part in (0, 1)) for number in range(len(expected))]
    assert_same(joined, expected)


def test_the_training_draws_the_same_whether_or_not_workers_do() -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    for workers in (0, 1):
        torch.manual_seed(3)
        epoch(data(split(), settings(workers=workers)))
        assert torch.equal(torch.rand(3), expected)


def test_copies_of_an_image_are_varied_differently() -> None:
    chosen = (AugmentationLine("repeated", {"copies": 2}), AugmentationLine("random-resized-crop"))
    pixels, labels = epoch(data(split(), DataSettings("digits", augment=chosen)))[0]
    assert torch.equal(labels[::2], labels[1::2])
    assert all(not torch.equal(first, second) for first, second in zip(pixels[::2], pixels[1::2], strict=True))


def test_another_seed_gives_other_pixels() -> None:
    first, second = (ImageData(split(), split(), batch_size=20, seed=seed, settings=DataSettings("digits", crop=2)) for seed in (0, 1))
    assert not torch.equal(epoch(first)[0][0].sort(0).values, epoch(second)[0][0].sort(0).values)


@pytest.mark.parametrize("ranks", [1, 3])
def test_evaluation_shows_every_image_once_as_it_is(folder: Path, ranks: int) -> None:
    whole = split(2003)
    shares = [list(evaluation_loader(whole, rank=rank, ranks=ranks)) for rank in range(ranks)]
    assert len({len(share) for share in shares}) == 1
    pixels = torch.cat([share[number][0] for number in range(len(shares[0])) for share in shares])
    labels = torch.cat([share[number][1] for number in range(len(shares[0])) for share in shares])
    assert np.array_equal(pixels.numpy(), whole.images)
    assert np.array_equal(labels.numpy(), whole.labels)


def test_evaluation_reads_files_through_the_view_in_small_batches(folder: Path) -> None:
    chosen = settings(size=8, crop_ratio=0.75, workers=2)
    files = open_split(f"folder={folder}", "test", chosen.view())
    pixels = torch.cat([batch for batch, _ in evaluation_loader(files, workers=2)])
    assert np.array_equal(pixels.numpy(), files.loaded().images)
    large = open_split(f"folder={folder}", "test", settings(size=1500).view())
    assert len(evaluation_loader(large)) == 20


@pytest.mark.parametrize("augment", [EVERYTHING, *((line,) for line in EVERYTHING), ()])
def test_batches_are_made_on_the_device_of_the_images_without_reading_back(augment: tuple[AugmentationLine, ...]) -> None:
    """Meta tensors have a device and no values: an operand from the host, or a value asked for, is an error."""
    pipeline = settings(augment).pipeline()
    batches = Batches(MemoryPixels(split(), pipeline, "meta"), pipeline, 4, 0)
    pixels, labels = batches[next(iter(ShuffledBatches(20, 8, 0, copies=pipeline.copies)))]
    assert (pixels.device.type, pixels.dtype, pixels.shape) == ("meta", torch.uint8, (8, SIZE, SIZE, 3))
    assert labels.device.type == "meta"


@pytest.mark.parametrize(("megabytes", "device"), [(1, "meta"), (0, "cpu")])
def test_images_stay_on_the_trainers_device_where_they_are_few(megabytes: int, device: str) -> None:
    module = data(split(), settings(device_megabytes=megabytes))
    module.trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device("meta")))
    for loader in (module.train_dataloader(), module.val_dataloader()):
        assert next(iter(loader))[0].device.type == device
