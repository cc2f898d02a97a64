"""Folders of images of any size and kind."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, v2

from xnorflow.errors import BadInputError
from xnorflow.qat.data.files import FileSplit
from xnorflow.qat.data.module import ImageData
from xnorflow.qat.data.settings import DataSettings
from xnorflow.qat.data.sources import load_split, open_split
from xnorflow.qat.data.view import EvaluationView

VIEW = EvaluationView(16)


def picture(height: int, width: int, seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (3, 4, 3)).astype(np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ImageNet's layout, with JPEG files of four sizes."""
    for half in ("train", "val"):
        for number, (name, size) in enumerate(
            (("n01", (20, 30)), ("n01", (40, 25)), ("n02", (16, 16)), ("n02", (9, 60))),
        ):
            (tmp_path / half / name).mkdir(parents=True, exist_ok=True)
            picture(*size, number).save(tmp_path / half / name / f"{number}.JPEG", quality=90)
    return tmp_path


def opened(folder: Path, view: EvaluationView = VIEW, half: str = "test") -> FileSplit:
    split = open_split(f"imagenet={folder}", half, view)
    assert isinstance(split, FileSplit)
    return split


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("size", "ratio"), [(16, 0.875), (19, 0.95), (5, 1.0)])
def test_evaluation_resizes_and_crops_as_torchvision_does(folder: Path, size: int, ratio: float, interpolation: str) -> None:
    split = opened(folder, EvaluationView(size, ratio, interpolation))
    assert split.input_shape == (3, size, size)
    transform = v2.Compose([v2.PILToTensor(), v2.Resize(round(size / ratio), InterpolationMode(interpolation), antialias=True), v2.CenterCrop(size)])
    for number, name in enumerate(split.files):
        with Image.open(split.root / name) as image:
            expected = transform(image.convert("RGB"))
        assert np.array_equal(split.viewed(number), expected.permute(1, 2, 0).numpy())


def test_training_crops_differ_from_epoch_to_epoch_and_have_the_networks_size(folder: Path) -> None:
    line = {"name": "random-resized-crop", "arguments": {"interpolation": "bicubic"}}
    settings = DataSettings("", size=16, augment=(_line(line),), workers=2)
    data = ImageData(opened(folder, half="train"), opened(folder), batch_size=4, settings=settings)
    (first,), (again,) = (list(data.train_dataloader()) for _ in range(2))
    data.sampler.set_epoch(1)
    ((second, _),) = list(data.train_dataloader())
    assert first[0].shape == (4, 16, 16, 3)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0].sort(0).values, second.sort(0).values)


def _line(values: dict[str, object]) -> object:
    from xnorflow.qat.augmentations.line import AugmentationLine

    return AugmentationLine(**values)


def test_training_without_a_random_resized_crop_varies_the_evaluation_view(folder: Path) -> None:
    data = ImageData(opened(folder, half="train"), opened(folder), batch_size=4, settings=DataSettings("", size=16))
    ((pixels, labels),) = list(data.train_dataloader())
    (key,) = list(data.sampler)
    assert np.array_equal(pixels.numpy(), opened(folder, half="train").loaded().images[key.images])
    assert labels.tolist() == (key.images // 2).tolist()


def test_a_broken_jpeg_is_named_in_one_line_also_by_a_worker(folder: Path) -> None:
    broken = folder / "train" / "n02" / "3.JPEG"
    broken.write_bytes(broken.read_bytes()[:300])
    for workers in (0, 2):
        settings = DataSettings("", size=16, workers=workers)
        data = ImageData(opened(folder, half="train"), opened(folder), batch_size=4, settings=settings)
        with pytest.raises(BadInputError, match=r"^[^\n]*/train/n02/3\.JPEG cannot be decoded: [^\n]+$"):
            list(data.train_dataloader())


@pytest.mark.parametrize(
    ("mode", "suffix", "expected"),
    [
        ("L", "png", (90, 90, 90)),
        ("1", "png", (255, 255, 255)),
        ("RGBA", "png", (10, 20, 30)),
        ("P", "png", (10, 20, 30)),
        ("LA", "png", (90, 90, 90)),
    ],
)
def test_images_of_other_modes_become_rgb(folder: Path, mode: str, suffix: str, expected: tuple[int, int, int]) -> None:
    colour = {"L": 90, "1": 1, "RGBA": (10, 20, 30, 128), "LA": (90, 7)}.get(mode)
    image = (
        Image.new("RGB", (20, 20), (10, 20, 30)).convert("P", palette=Image.Palette.ADAPTIVE) if colour is None else Image.new(mode, (20, 20), colour)
    )
    image.save(folder / "val" / "n01" / f"0.{suffix}")
    assert opened(folder).viewed(1)[3, 4].tolist() == list(expected)


def test_a_cmyk_jpeg_becomes_rgb_as_pillow_converts_it(folder: Path) -> None:
    path = folder / "val" / "n01" / "0.JPEG"
    picture(20, 30).convert("CMYK").save(path)
    with Image.open(path) as image:
        assert image.mode == "CMYK"
        expected = np.asarray(image.convert("RGB"))
    assert np.array_equal(opened(folder).decoded(0), expected)


def test_a_16_bit_png_is_refused_by_name(folder: Path) -> None:
    Image.fromarray(np.full((20, 20), 40_000, np.uint16)).save(folder / "val" / "n01" / "0.png")
    with pytest.raises(BadInputError, match=r"n01/0\.png has more than 8 bits a channel \(mode I;16\)"):
        opened(folder).viewed(1)


def test_a_class_without_images_is_refused_by_name(folder: Path) -> None:
    for half in ("train", "val"):
        (folder / half / "n03").mkdir()
    with pytest.raises(BadInputError, match=r"val holds no images of class n03$"):
        opened(folder)


def test_images_of_many_sizes_need_a_size(folder: Path) -> None:
    with pytest.raises(BadInputError, match=r"needs data\.size, 224 for one"):
        load_split(f"imagenet={folder}", "test")
    with pytest.raises(BadInputError, match=r"must have one size, or data\.size must say which one they get$"):
        load_split(f"folder={folder}", "test")
    assert load_split(f"folder={folder}", "test", view=VIEW).images.shape == (4, 16, 16, 3)


def test_a_size_is_refused_where_images_have_one() -> None:
    with pytest.raises(BadInputError, match=r"^data\.size 16 is for folder=DIR and imagenet=DIR; the images of digits have one size already$"):
        open_split("digits", "train", VIEW)


def test_only_the_images_asked_for_are_decoded(folder: Path) -> None:
    for name in ("n01/1", "n02/2", "n02/3"):
        (folder / "val" / f"{name}.JPEG").write_bytes(b"no image")
    assert load_split(f"folder={folder}", "test", view=VIEW, limit=1).images.shape == (1, 16, 16, 3)
    assert load_split(f"folder={folder}", "test", limit=1).images.shape == (1, 20, 30, 3)


def test_the_digest_of_files_follows_names_sizes_labels_and_view(folder: Path) -> None:
    digest = opened(folder).digest()
    assert digest == opened(folder).digest() != opened(folder, EvaluationView(17)).digest()
    assert digest != opened(folder).head(3).digest()
    assert digest != opened(folder).shuffled(0).digest()
    with (folder / "val" / "n01" / "0.JPEG").open("ab") as file:
        file.write(b"\0")
    assert digest != opened(folder).digest()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, r"data\.size 0 is below 1"),
        ({"crop_ratio": 1.5}, r"data\.crop_ratio 1\.5 is not in \(0, 1\]"),
        ({"interpolation": "lanczos"}, r"data\.interpolation 'lanczos' is not known; known are nearest, bilinear, bicubic"),
        ({"workers": -1}, r"data\.workers -1 is negative"),
    ],
)
def test_settings_that_make_no_view_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        DataSettings("digits", **arguments)


@pytest.mark.slow
@pytest.mark.skipif("XNORFLOW_DATA" not in os.environ, reason="XNORFLOW_DATA names no folder with cifar10-jpeg")
def test_the_real_folder_gives_the_same_pixels_lazily_and_from_memory() -> None:
    spec = f"folder={os.environ['XNORFLOW_DATA']}/cifar10-jpeg"
    files = open_split(spec, "test", EvaluationView(32, 1.0), limit=200)
    assert isinstance(files, FileSplit)
    assert np.array_equal(files.loaded().images, open_split(spec, "test", limit=200).images)


def test_files_in_folders_of_a_class_are_found_in_the_order_of_their_paths(folder: Path) -> None:
    for name in ("b/1.png", "a/2.png", "a.b/3.png", "note.txt"):
        path = folder / "val" / "n01" / name
        path.parent.mkdir(exist_ok=True)
        picture(4, 4).save(path, format="PNG")
    expected = sorted(path.relative_to(folder / "val") for path in (folder / "val").rglob("*") if path.suffix.lower() in (".png", ".jpeg"))
    assert [Path(name) for name in opened(folder).files] == expected
    assert len(expected) == 7
    assert opened(folder).labels.tolist() == [0] * 5 + [1] * 2
