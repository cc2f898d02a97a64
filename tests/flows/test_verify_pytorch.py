from __future__ import annotations

from pathlib import Path

import pytest
import torch

from xnorflow.errors import BadInputError, CheckFailedError
from xnorflow.flows.verify import verify
from xnorflow.hw.build import Build
from xnorflow.hw.compile import compile_model
from xnorflow.models import ModelConfig, build_config
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import CheckpointInfo
from xnorflow.qat.export import export_qonnx
from xnorflow.qat.freeze import freeze
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise
from xnorflow.qat.train_settings import TrainSettings

CONFIG = ModelConfig("tfc", input_shape=(1, 8, 8), num_classes=10, width=0.25, padding_value=-1)


def save(path: Path, seed: int, norm: PixelNorm | None = None) -> torch.nn.Module:
    """An untrained network with random normalisations, as a checkpoint."""
    torch.manual_seed(seed)
    network = quantise(build_config(CONFIG), QuantScheme())
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm1d) and layer.affine:
            torch.nn.init.normal_(layer.weight)
            torch.nn.init.normal_(layer.bias)
    info = CheckpointInfo(CONFIG, QuantScheme(), "digits", norm or PixelNorm(), tuple("0123456789"), TrainSettings(epochs=1))
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    torch.save({"xnorflow": info.to_record(), "state_dict": state}, path)
    return network.eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint and its build."""
    folder = tmp_path_factory.mktemp("pytorch")
    network = save(folder / "net.ckpt", 1)
    export_qonnx(freeze(network), folder / "net.onnx", PixelNorm(), CONFIG.input_shape)
    compile_model(folder / "net.onnx", folder / "build")
    return folder


def test_the_frozen_pytorch_network_gives_the_same_logits_on_real_images(folder: Path) -> None:
    report = verify(folder / "build", data="digits", checkpoint=folder / "net.ckpt", links=("pytorch", "qonnx", "cpu"))
    assert report.images > 300
    assert {name: (link.status, link.images, link.compared) for name, link in report.links.items()} == {
        "cpu": ("equal", report.images, "integers"),
        "qonnx": ("equal", report.images, "float32 logits"),
        "pytorch": ("equal", report.images, "float32 logits"),
    }


def test_another_network_is_not_equal(folder: Path, tmp_path: Path) -> None:
    save(tmp_path / "other.ckpt", 2)
    with pytest.raises(CheckFailedError, match=r"^PyTorch differs from the interpreter at the float32 logits: image 0, channel \d: PyTorch "):
        verify(folder / "build", images=10, checkpoint=tmp_path / "other.ckpt", links=("pytorch",))


def test_a_checkpoint_with_another_normalisation_is_refused(folder: Path, tmp_path: Path) -> None:
    save(tmp_path / "other.ckpt", 1, PixelNorm(mean=(0.5,)))
    with pytest.raises(BadInputError, match=r"normalises pixels by .*0.5.*, the build by "):
        verify(folder / "build", images=10, checkpoint=tmp_path / "other.ckpt")


def test_the_build_has_no_other_input_than_the_pixels(folder: Path) -> None:
    assert Build.open(folder / "build").manifest["host"]["before"] == []
