from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xnorflow.errors import BadInputError
from xnorflow.qat.data import load_split


def test_digits_need_no_files_and_split_into_all_images() -> None:
    train, test = load_split("digits", "train"), load_split("digits", "test")
    assert train.images.shape == (1437, 8, 8, 1)
    assert test.images.shape == (360, 8, 8, 1)
    assert train.images.dtype == np.uint8
    assert (train.images.min(), train.images.max()) == (0, 255)
    assert train.input_shape == (1, 8, 8)
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}


def test_mnist_reads_true_idx_files(data_folders) -> None:
    images, labels = data_folders.mnist()
    for half in ("train", "test"):
        split = load_split(f"mnist={data_folders.root}", half)
        assert np.array_equal(split.images[..., 0], images)
        assert np.array_equal(split.labels, labels)
        assert split.classes == tuple("0123456789")


def test_mnist_reads_gzipped_files_in_the_folder_itself(data_folders) -> None:
    images, _ = data_folders.mnist()
    raw = data_folders.root / "MNIST" / "raw"
    for path in list(raw.iterdir()):
        (raw / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert np.array_equal(load_split(f"mnist={raw}", "train").images[..., 0], images)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", b"\x00\x00\x08\x03" + bytes(8), "is no idx file of unsigned bytes with 3 dimensions"),
        ("train-images-idx3-ubyte", b"PK\x03\x04" + bytes(50), "is no idx file"),
        (
            "train-images-idx3-ubyte",
            b"\x00\x00\x08\x03" + bytes((0, 0, 0, 9)) * 3,
            r"is truncated: shape \(9, 9, 9\) takes 729 bytes, the file has 0",
        ),
        ("train-labels-idx1-ubyte", b"\x00\x00\x08\x01\x00\x00\x00\x01\x07", "holds 12 images but .* 1 labels"),
    ],
)
def test_a_damaged_mnist_file_is_refused_by_name(data_folders, name: str, content: bytes, message: str) -> None:
    data_folders.mnist()
    (data_folders.root / "MNIST" / "raw" / name).write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        load_split(f"mnist={data_folders.root}", "train")


def test_a_damaged_gzip_file_is_refused(data_folders) -> None:
    data_folders.mnist()
    raw = data_folders.root / "MNIST" / "raw"
    (raw / "train-images-idx3-ubyte").unlink()
    (raw / "train-images-idx3-ubyte.gz").write_bytes(b"not gzip")
    with pytest.raises(BadInputError, match=r"idx3-ubyte\.gz cannot be read"):
        load_split(f"mnist={data_folders.root}", "train")


def test_cifar10_reads_torchvisions_pickled_batches(data_folders) -> None:
    data = data_folders.cifar10()
    train, test = (load_split(f"cifar10={data_folders.root}", half) for half in ("train", "test"))
    assert train.images.shape == (20, 32, 32, 3)
    assert np.array_equal(train.images, data[:5].reshape(20, 3, 32, 32).transpose(0, 2, 3, 1))
    assert np.array_equal(test.images[2, :, :, 1], data[5, 2, 1024:2048].reshape(32, 32))
    assert train.labels.tolist() == [0, 1, 2, 3] * 5
    assert train.classes[3] == "class3"


class Exploit:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('code in a pickle ran')",))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Exploit(), r"test_batch is no CIFAR-10 batch: it holds a builtins\.exec|__builtin__\.exec"),
        ({"data": np.zeros((2, 3072), np.float32), "labels": [0, 1]}, "data float32"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, r"\(2, 3072\) with \(1,\) labels"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": [10]}, r"label outside 0\.\.9"),
        ({"labels": [0]}, "a dictionary with 'data' and 'labels' is expected"),
        ([], "a dictionary with 'data' and 'labels' is expected"),
    ],
)
def test_a_pickle_that_is_no_batch_is_refused_without_running_it(data_folders, record: object, message: str) -> None:
    data_folders.cifar10()
    (data_folders.root / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(record, protocol=2))
    with pytest.raises(BadInputError, match=message):
        load_split(f"cifar10={data_folders.root}", "test")


def test_a_truncated_pickle_is_refused(data_folders) -> None:
    data_folders.cifar10()
    path = data_folders.root / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadInputError, match="test_batch is no CIFAR-10 batch"):
        load_split(f"cifar10={data_folders.root}", "test")


@pytest.mark.parametrize("grey", [False, True])
def test_a_folder_gives_its_images_in_sorted_order(data_folders, grey: bool) -> None:
    data_folders.images(grey=grey, halves=("train", "val"))
    told: list[str] = []
    for half in ("train", "test"):
        split = load_split(f"folder={data_folders.root}", half, told.append)
        assert split.images.shape == (6, 8, 9, 1 if grey else 3)
        assert split.images[:, 0, 0, 0].tolist() == [0, 1, 2, 40, 41, 42]
        assert split.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert split.classes == ("cat", "dog")


def test_one_coloured_image_makes_a_folder_coloured(data_folders) -> None:
    data_folders.images(grey=True)
    Image.fromarray(np.full((8, 9, 3), (9, 8, 7), np.uint8)).save(data_folders.root / "train" / "dog" / "2.png")
    split = load_split(f"folder={data_folders.root}", "train")
    assert split.images[5, 0, 0].tolist() == [9, 8, 7]
    assert split.images[3, 0, 0].tolist() == [40, 40, 40]


def test_a_folder_with_two_sizes_is_refused_by_file(data_folders) -> None:
    data_folders.images()
    Image.fromarray(np.zeros((7, 9, 3), np.uint8)).save(data_folders.root / "train" / "dog" / "1.png")
    with pytest.raises(BadInputError, match=r"dog/1\.png is 7x9 but .*cat/0\.png is 8x9; all images must have one size"):
        load_split(f"folder={data_folders.root}", "train")


def test_a_file_that_is_no_image_is_refused_by_name(data_folders) -> None:
    data_folders.images()
    (data_folders.root / "test" / "cat" / "1.png").write_bytes(b"no image")
    with pytest.raises(BadInputError, match=r"cat/1\.png cannot be decoded"):
        load_split(f"folder={data_folders.root}", "test")


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_pixels_of_more_than_8_bits_are_refused_instead_of_clipped(data_folders, dtype: type) -> None:
    data_folders.images()
    path = data_folders.root / "train" / "cat" / "wide.tiff"
    Image.fromarray(np.full((6, 5), 40_000, dtype)).save(path)
    with pytest.raises(BadInputError, match=r"wide\.tiff has more than 8 bits a channel"):
        load_split(f"folder={data_folders.root}", "train")


def test_a_class_that_was_not_trained_is_refused(data_folders) -> None:
    data_folders.images()
    (data_folders.root / "test" / "eel").mkdir()
    with pytest.raises(BadInputError, match=r"has class eel, which .*train has not"):
        load_split(f"folder={data_folders.root}", "test")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("mnist={empty}", "holds no train-images-idx3-ubyte: it is looked for in .*MNIST/raw"),
        ("cifar10={empty}", "holds no data_batch_1: it is looked for in .*cifar-10-batches-py"),
        ("folder={empty}", "holds no train/ with one folder per class"),
        ("folder={empty}/missing", "holds no train/"),
        ("mnist", "data 'mnist' lacks its folder; write mnist=DIR"),
        ("cifar10=", "lacks its folder"),
        ("webcam=/x", "data 'webcam=/x' is not known; accepted are digits, mnist=DIR, cifar10=DIR, cifar100=DIR"),
        ("imagenet=/x", "data imagenet=/x needs data.size, 224 for one"),
        ("", "data '' is not known"),
    ],
)
def test_a_spec_that_leads_nowhere_is_refused(tmp_path: Path, spec: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        load_split(spec.format(empty=tmp_path), "train")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(BadInputError, match="holds no images with one of the endings"):
        load_split(f"folder={tmp_path}", "train")


@pytest.mark.slow
@pytest.mark.skipif("XNORFLOW_DATA" not in os.environ, reason="XNORFLOW_DATA names no folder with MNIST/raw and cifar10-jpeg")
def test_the_real_data_sets_load() -> None:
    root = os.environ["XNORFLOW_DATA"]
    mnist, cifar10 = load_split(f"mnist={root}", "test"), load_split(f"folder={root}/cifar10-jpeg", "test")
    assert (mnist.images.shape, mnist.labels[:4].tolist()) == ((10_000, 28, 28, 1), [7, 2, 1, 0])
    assert (cifar10.images.shape, np.bincount(cifar10.labels).tolist()) == ((10_000, 32, 32, 3), [1000] * 10)
