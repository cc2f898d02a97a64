from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.flows.evaluate import evaluate
from xnorflow.flows.export import check_equal, export
from xnorflow.models import ModelConfig, build_config
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import CheckpointInfo
from xnorflow.qat.export import qonnx_bytes
from xnorflow.qat.freeze import freeze
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise
from xnorflow.qat.train_settings import TrainSettings

NORM = PixelNorm(mean=(128 / 255,), std=(128 / 255,))


@pytest.fixture
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return quantise(build_config(ModelConfig("tfc", (1, 8, 8), 10, input_bits=8))).eval()


def saved(network: torch.nn.Module, folder: Path, data: str) -> Path:
    config = ModelConfig("tfc", (1, 8, 8), 10, input_bits=8)
    info = CheckpointInfo(config, QuantScheme(), data, NORM, tuple("0123456789"), TrainSettings(epochs=1))
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    path = folder / "net.ckpt"
    torch.save({"xnorflow": info.to_record(), "state_dict": state}, path)
    return path


def images(count: int) -> Any:
    return np.random.default_rng(0).normal(size=(count, 1, 8, 8)).astype(np.float32)


def test_a_network_that_differs_from_its_file_in_one_bit_fails_the_check(network: torch.nn.Module) -> None:
    frozen = freeze(network)
    content = qonnx_bytes(frozen, NORM, (1, 8, 8))
    check_equal(frozen, content, images(8))
    last = list(frozen.children())[-1]
    assert isinstance(last.offset, torch.Tensor)
    last.offset.copy_(torch.nextafter(last.offset, torch.tensor(torch.inf)))
    with pytest.raises(CheckFailedError, match=r"QONNX differs from PyTorch at image \d, logit \d: .* instead of"):
        check_equal(frozen, content, images(8))


def test_without_its_data_a_checkpoint_is_probed_with_random_pixels(network: torch.nn.Module, tmp_path: Path) -> None:
    told: list[str] = []
    result = export(saved(network, tmp_path, f"mnist={tmp_path}"), tmp_path / "net.onnx", images=6, progress=told.append)
    assert (result.images, result.data_images) == (6, 0)
    assert told[0].startswith("probing with random pixels only: mnist=")


def test_data_of_another_shape_are_refused(network: torch.nn.Module, tmp_path: Path) -> None:
    path = saved(network, tmp_path, "digits")
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "test" / "a").mkdir(parents=True)
    from PIL import Image

    for half in ("train", "test"):
        Image.new("RGB", (8, 8)).save(tmp_path / half / "a" / "0.png")
    with pytest.raises(BadInputError, match=r"has images \(8, 8, 3\); the network takes \(8, 8, 1\)"):
        export(path, tmp_path / "net.onnx", data=f"folder={tmp_path}")
    with pytest.raises(BadInputError, match=r"has images \(3, 8, 8\) of 1 classes; .*net\.ckpt takes \(1, 8, 8\) of 10"):
        evaluate(path, f"folder={tmp_path}")
    assert not (tmp_path / "net.onnx").exists()


def test_an_unwritable_place_is_refused_and_nothing_is_left(network: torch.nn.Module, tmp_path: Path) -> None:
    path = saved(network, tmp_path, "digits")
    with pytest.raises(BadInputError, match=r"none/net\.onnx cannot be written"):
        export(path, tmp_path / "none" / "net.onnx", images=2)
    (tmp_path / "taken").mkdir()
    with pytest.raises(BadInputError, match=r"taken cannot be written"):
        export(path, tmp_path / "taken", images=2)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["net.ckpt", "taken"]


def test_fewer_than_two_probes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="1 probe images; at least 2"):
        export(tmp_path / "net.ckpt", tmp_path / "net.onnx", images=1)
