"""Networks with random statistics, and small data sets in their true file formats."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from xnorflow.models import build
from xnorflow.models.layers import ScalarNorm
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise


class Networks:
    """Builds quantised networks whose norms have random statistics: gammas of both signs, one exactly zero."""

    def __call__(self, name: str, shape: tuple[int, int, int], scheme: QuantScheme | None = None, seed: int = 0, **options: Any) -> nn.Module:
        torch.manual_seed(seed)
        network = quantise(build(name, input_shape=shape, num_classes=10, **options), scheme)
        generator = torch.Generator().manual_seed(seed)
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d | ScalarNorm):
                self._randomise(layer, generator)
        return network.eval()

    def _randomise(self, norm: nn.BatchNorm1d | nn.BatchNorm2d | ScalarNorm, generator: torch.Generator) -> None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        count = norm.weight.numel()
        with torch.no_grad():
            norm.weight.copy_(torch.randn(count, generator=generator))
            if count > 1:
                norm.weight[0] = 0.0
            norm.bias.copy_(torch.randn(count, generator=generator))
            norm.running_mean.copy_(3 * torch.randn(count, generator=generator))
            norm.running_var.copy_(30 * torch.rand(count, generator=generator) + 0.1)


@pytest.fixture
def networks() -> Networks:
    return Networks()


class DataFolders:
    """Writes small data sets; every image and label follows from the index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rng = np.random.default_rng(0)

    def idx(self, name: str, array: np.ndarray[Any, Any]) -> bytes:
        header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
        return header + array.astype(np.uint8).tobytes()

    def mnist(self, count: int = 12) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        raw = self.root / "MNIST" / "raw"
        raw.mkdir(parents=True)
        images, labels = self.rng.integers(0, 256, (count, 28, 28)), np.arange(count) % 10
        for prefix in ("train", "t10k"):
            (raw / f"{prefix}-images-idx3-ubyte").write_bytes(self.idx("images", images))
            (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(self.idx("labels", labels))
        return images, labels

    def cifar10(self, count: int = 4) -> np.ndarray[Any, Any]:
        folder = self.root / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        data = self.rng.integers(0, 256, (6, count, 3072)).astype(np.uint8)
        names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
        for name, part in zip(names, data, strict=True):
            record = {"data": part, "labels": [n % 10 for n in range(count)], "batch_label": name}
            (folder / name).write_bytes(pickle.dumps(record, protocol=2))
        meta = {"label_names": [f"class{n}" for n in range(10)]}
        (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
        return data

    def images(self, *, size: tuple[int, int] = (8, 9), grey: bool = False, halves: tuple[str, str] = ("train", "test")) -> None:
        for half in halves:
            for label, name in enumerate(("cat", "dog")):
                (self.root / half / name).mkdir(parents=True)
                for n in range(3):
                    pixels = np.full((*size, 3), 40 * label + n, np.uint8)
                    image = Image.fromarray(pixels)
                    (image.convert("L") if grey else image).save(self.root / half / name / f"{n}.png")


@pytest.fixture
def data_folders(tmp_path: Path) -> DataFolders:
    return DataFolders(tmp_path / "data")
