from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

import xnorflow
from xnorflow.errors import BadInputError
from xnorflow.models import ModelConfig, build_config
from xnorflow.pixels import PixelNorm
from xnorflow.qat.checkpoint import CheckpointInfo, check_images, check_resumable, load_checkpoint
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.quantise import quantise
from xnorflow.qat.train_settings import TrainSettings

INFO = CheckpointInfo(
    config=ModelConfig("cnv-small", (1, 8, 8), 10, padding_value=0),
    scheme=QuantScheme(weight_scale="mean"),
    data="digits",
    pixel_norm=PixelNorm(mean=(128 / 255,), std=(128 / 255,)),
    classes=tuple("0123456789"),
    train=TrainSettings(epochs=2),
    accuracy=0.5,
)


@pytest.fixture
def content() -> dict[str, Any]:
    network = quantise(build_config(INFO.config), INFO.scheme)
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    return {
        "xnorflow": INFO.to_record(),
        "state_dict": state,
        "optimizer_states": [{"state": {}, "param_groups": []}],
        "pytorch-lightning_version": "2",
    }


def saved(content: dict[str, Any], folder: Path) -> Path:
    path = folder / "net.ckpt"
    torch.save(content, path)
    return path


def test_a_checkpoint_gives_back_its_description_and_its_weights(content: dict[str, Any], tmp_path: Path) -> None:
    info, network = load_checkpoint(saved(content, tmp_path))
    assert info == INFO
    assert info.version == xnorflow.__version__
    assert not network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, content["state_dict"][f"network.{name}"])


def test_images_of_other_classes_are_refused_by_the_first_name_that_differs() -> None:
    check_images(Path("net.ckpt"), INFO, "folder=x", (1, 8, 8), tuple("0123456789"))
    with pytest.raises(BadInputError, match=r"data folder=x has other classes than net\.ckpt was trained with: label 1 was '1' and is '2'"):
        check_images(Path("net.ckpt"), INFO, "folder=x", (1, 8, 8), tuple("0213456789"))
    for shape, classes in (((1, 8, 8), "012"), ((3, 8, 8), "0123456789")):
        with pytest.raises(BadInputError, match=r"net\.ckpt takes \(1, 8, 8\) of 10"):
            check_images(Path("net.ckpt"), INFO, "folder=x", shape, tuple(classes))


def test_a_checkpoint_from_before_methods_and_stages_is_read(content: dict[str, Any], tmp_path: Path) -> None:
    for key in ("method", "stage"):
        del content["xnorflow"][key]
    for key in ("weight", "weight_settings"):
        del content["xnorflow"]["scheme"][key]
    path = saved(content, tmp_path)
    assert load_checkpoint(path)[0] == INFO
    check_resumable(path, INFO)


def test_a_changed_padding_value_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    content["xnorflow"]["config"]["padding_value"] = -1
    with pytest.raises(BadInputError, match=r"net\.ckpt: the weights were trained with padding value 0, the network has -1"):
        load_checkpoint(saved(content, tmp_path))


def test_an_unknown_padding_value_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    del content["xnorflow"]["config"]["padding_value"]
    with pytest.raises(BadInputError, match=r"net\.ckpt does not say which padding value its network was trained with"):
        load_checkpoint(saved(content, tmp_path))


def test_weights_without_a_padding_value_are_refused(content: dict[str, Any], tmp_path: Path) -> None:
    key = next(key for key in content["state_dict"] if key.endswith("_extra_state"))
    del content["state_dict"][key]
    with pytest.raises(BadInputError, match=r"weights do not fit its network.*_extra_state"):
        load_checkpoint(saved(content, tmp_path))


def test_another_format_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    content["xnorflow"]["format"] = 99
    with pytest.raises(BadInputError, match="is a checkpoint of format 99; this version reads format 1"):
        load_checkpoint(saved(content, tmp_path))


@pytest.mark.parametrize("key", ["scheme", "data", "pixel_norm", "classes", "train", "accuracy", "version"])
def test_a_record_without_one_of_its_parts_is_refused(content: dict[str, Any], tmp_path: Path, key: str) -> None:
    del content["xnorflow"][key]
    with pytest.raises(BadInputError, match=rf"is no complete checkpoint: {key} is missing"):
        load_checkpoint(saved(content, tmp_path))


@pytest.mark.parametrize("change", ["missing", "surplus", "shape", "key"])
def test_weights_that_do_not_fit_are_refused(content: dict[str, Any], tmp_path: Path, change: str) -> None:
    state = content["state_dict"]
    key = next(iter(key for key in state if key.endswith("weight")))
    if change == "missing":
        del state[key]
    elif change == "key":
        state[3] = state.pop(key)
    elif change == "surplus":
        state["network.99.weight"] = torch.zeros(1)
    else:
        state[key] = torch.zeros(3)
    with pytest.raises(BadInputError, match=r"net\.ckpt: its weights do not fit its network") as caught:
        load_checkpoint(saved(content, tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"text", b"PK\x03\x04" + bytes(100), b"\x80\x02X\x01"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "net.ckpt"
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=r"net\.ckpt is no checkpoint, or it is damaged"):
        load_checkpoint(path)


def test_a_truncated_checkpoint_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    path = saved(content, tmp_path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BadInputError, match="is no checkpoint, or it is damaged"):
        load_checkpoint(path)


def test_somebody_elses_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no checkpoint of xnorflow"):
        load_checkpoint(saved({"state_dict": {}}, tmp_path))


def test_a_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        load_checkpoint(tmp_path / "none.ckpt")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": dataclasses.replace(INFO.config, padding_value=1)}, "was trained with padding_value 0, the recipe says 1"),
        ({"config": dataclasses.replace(INFO.config, width=2.0)}, "was trained with width 1.0, the recipe says 2.0"),
        ({"scheme": QuantScheme()}, "was trained with weight_scale mean, the recipe says none"),
        ({"train": TrainSettings(epochs=9)}, "was trained with epochs 2, the recipe says 9"),
        ({"pixel_norm": PixelNorm()}, "normalises pixels by .*, the recipe by"),
    ],
)
def test_resuming_another_training_is_refused(content: dict[str, Any], tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = saved(content, tmp_path)
    check_resumable(path, INFO)
    with pytest.raises(BadInputError, match=message):
        check_resumable(path, dataclasses.replace(INFO, **change))


@pytest.mark.parametrize(("key", "value"), [("classes", 3), ("pixel_norm", 3)])
def test_a_record_of_wrong_types_is_refused(content: dict[str, Any], tmp_path: Path, key: str, value: object) -> None:
    content["xnorflow"][key] = value
    with pytest.raises(BadInputError, match=r"is no complete checkpoint|cannot be read"):
        load_checkpoint(saved(content, tmp_path))


@pytest.mark.parametrize(
    ("key", "value"), [("optimizer_states", 3), ("optimizer_states", [{"a": 1}]), ("optimizer_states", [3]), ("pytorch-lightning_version", None)]
)
def test_resuming_from_a_damaged_state_is_refused(content: dict[str, Any], tmp_path: Path, key: str, value: object) -> None:
    content[key] = value
    with pytest.raises(BadInputError, match=r"net\.ckpt: the state of its trainer or optimiser is damaged"):
        check_resumable(saved(content, tmp_path), INFO)


def test_resuming_without_the_optimisers_state_is_refused(content: dict[str, Any], tmp_path: Path) -> None:
    del content["optimizer_states"]
    with pytest.raises(BadInputError, match="holds weights only"):
        check_resumable(saved(content, tmp_path), INFO)
