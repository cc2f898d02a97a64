"""Packed files give back what was written, at one bit a binary weight, and are refused where a byte differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.kernels.archive import read_archive, write_archive
from xnorflow.kernels.torch import PackedConv2d, accelerate
from xnorflow.kernels.torch_file import load_packed, save_packed
from xnorflow.models import build, cost
from xnorflow.qat.quantise import quantise

SIGNS = np.where(np.arange(3 * 5 * 7) % 3 == 0, 1, -1).reshape(3, 5, 7)


def written(path: Path) -> bytes:
    write_archive(path, {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "empty": np.zeros((0, 4), np.int64)}, {"s": SIGNS}, {"k": [1, None]})
    return path.read_bytes()


def test_arrays_and_bits_come_back(tmp_path: Path) -> None:
    size = len(written(tmp_path / "f"))
    archive = read_archive(tmp_path / "f")
    assert archive.meta == {"k": [1, None]}
    assert np.array_equal(archive.arrays["a"], np.arange(6, dtype=np.float32).reshape(2, 3))
    assert isinstance(archive.arrays["a"].base, np.memmap | np.ndarray)
    assert not archive.arrays["a"].flags.writeable
    assert archive.arrays["empty"].shape == (0, 4)
    assert np.array_equal(archive.arrays["s"], SIGNS)
    assert size == (tmp_path / "f").stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_every_other_length_and_every_altered_byte_that_means_something_is_refused(tmp_path: Path) -> None:
    data, path = written(tmp_path / "f"), tmp_path / "g"
    header_end = 48 + int.from_bytes(data[12:16], "little")
    start = -(-header_end // 64) * 64
    filling = set(range(header_end, start)) | set(range(start + 24, start + 64)) | set(range(start + 64 + 14, len(data)))
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(BadInputError):
            read_archive(path)
    path.write_bytes(data + b"\0")
    with pytest.raises(BadInputError, match="is damaged: it has"):
        read_archive(path)
    for place in sorted(set(range(len(data))) - filling):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(BadInputError):
            read_archive(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no packed file can be read"),
        (b"x" * 100, "is not a packed file of xnorflow"),
        (b"XNORPACK\2\0\0\0" + b"\0" * 60, "of version 2; 1 is accepted"),
    ],
)
def test_other_files_are_refused_by_name(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(BadInputError, match=message):
        read_archive(tmp_path / "f")


def test_what_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="array 's' holds values that are neither -1 nor"):
        write_archive(tmp_path / "f", {}, {"s": np.zeros(3)}, None)
    with pytest.raises(BadInputError, match="array 'a' is complex128; accepted are int8"):
        write_archive(tmp_path / "f", {"a": np.zeros(3, complex)}, {}, None)
    assert not list(tmp_path.iterdir())


def bireal(**options: object) -> nn.Module:
    return quantise(build("bireal-20", input_shape=(3, 32, 32), num_classes=10, **options)).eval()


def test_a_packed_model_comes_back_into_its_architecture(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, images = bireal(), torch.randn(2, 3, 32, 32)
    accelerate(model, images)
    save_packed(model, tmp_path / "f")
    torch.manual_seed(1)
    other = load_packed(bireal(), tmp_path / "f")
    with torch.no_grad():
        assert torch.equal(other(images), model(images))
    with pytest.raises(BadInputError, match="holds another architecture"):
        load_packed(bireal(width=2.0), tmp_path / "f")
    with pytest.raises(BadInputError, match="the model does not have"):
        load_packed(nn.Sequential(), tmp_path / "f")
    with pytest.raises(BadInputError, match="the model has no packed layers"):
        save_packed(bireal(), tmp_path / "g")


def test_bnext_t_takes_what_its_cost_report_says(tmp_path: Path) -> None:
    """13.3 MiB in the paper's count; batch norms' statistics are the difference."""
    model = quantise(build("bnext-t", input_shape=(3, 224, 224), num_classes=1000)).eval()
    report = cost("bnext-t", input_shape=(3, 224, 224), num_classes=1000)
    accelerate(model, torch.randn(1, 3, 64, 64))
    assert sum(layer.signs.numel() for layer in model.modules() if isinstance(layer, PackedConv2d)) == report.binary_weights
    size = save_packed(model, tmp_path / "f")
    assert report.size_bytes <= size <= 1.03 * report.size_bytes
