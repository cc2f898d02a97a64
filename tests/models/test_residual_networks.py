from __future__ import annotations

import dataclasses
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from xnorflow.errors import BadInputError
from xnorflow.models import architectures, build, build_config, cost
from xnorflow.models.layers import Activation, Conv
from xnorflow.models.options import described, with_options
from xnorflow.qat.checkpoint import RECORD, load_checkpoint, load_weights
from xnorflow.qat.data.settings import DataSettings
from xnorflow.qat.data.split import Split
from xnorflow.qat.layers import BinaryConv2d, QuantScheme
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import ModelSettings, Recipe
from xnorflow.qat.train_settings import TrainSettings
from xnorflow.qat.training import describe

NETWORKS = [entry for entry in architectures() if entry.options is not None]
# One network of a family, the smallest, shows what its switches do.
SWITCHED = ("resnet-20", "bnn-resnet-20", "bireal-20", "recu-18", "reactnet-20", "reactnet-a", "real-to-binary-18", "bnext-t", "bnext-18")
SETTINGS = [
    (entry.name, f"{field.name}={value}".replace("True", "true").replace("False", "false"))
    for entry in NETWORKS
    if entry.name in SWITCHED
    for field in dataclasses.fields(entry.options)  # type: ignore[arg-type]  # every set of options is a dataclass
    for value in ((False, True) if isinstance(getattr(entry.options, field.name), bool) else type(getattr(entry.options, field.name)))
]


@pytest.mark.parametrize("name", [entry.name for entry in NETWORKS])
def test_every_network_gives_logits_for_small_images(name: str) -> None:
    with torch.device("meta"):
        assert build(name, input_shape=(3, 32, 32), num_classes=7, width=0.125)(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize("name", [*SWITCHED, "xnor-resnet-20", "real-to-binary-18-baseline"])
def test_every_family_trains_a_step_quantised_at_a_small_size(name: str) -> None:
    torch.manual_seed(0)
    network = quantise(build(name, input_shape=(3, 32, 32), num_classes=7, width=0.125, padding_value=1))
    logits = network(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 7)
    logits.square().mean().backward()
    assert [key for key, parameter in network.named_parameters() if parameter.grad is None] == []
    borders = [layer.padding_value for layer in network.modules() if isinstance(layer, BinaryConv2d) and layer.kernel_size == (3, 3)]
    assert set(borders) == (set() if name.startswith("resnet") else {1})


@pytest.mark.parametrize(("name", "setting"), SETTINGS)
def test_every_switch_builds_at_an_odd_size(name: str, setting: str) -> None:
    with torch.device("meta"):
        network = build(name, input_shape=(1, 9, 13), num_classes=3, width=0.125, options=[setting])
        assert network(torch.zeros(2, 1, 9, 13)).shape == (2, 3)


@pytest.mark.parametrize(("name", "largest"), [("bireal-18", 64), ("reactnet-a", 64)])
def test_the_stem_follows_the_size_of_the_image_unless_told(name: str, largest: int) -> None:
    def stride(side: int, options: tuple[str, ...] = ()) -> int:
        first = cost(name, input_shape=(3, side, side), options=options).layers[0]
        return round((side * side * first.weights / first.macs) ** 0.5)

    assert [stride(largest), stride(largest + 2), stride(largest, ("stem=imagenet",)), stride(224, ("stem=cifar",))] == [1, 2, 2, 1]


def test_our_resnets_compute_what_torchvisions_do() -> None:
    for name, reference in (("resnet-18", torchvision.models.resnet18()), ("resnet-34", torchvision.models.resnet34())):
        ours = build(name, input_shape=(3, 224, 224), num_classes=1000)
        by_shape = dict(zip(_leaves(ours), _leaves(reference), strict=True))
        for mine, theirs in by_shape.items():
            mine.load_state_dict(theirs.state_dict())
        image = torch.randn(1, 3, 96, 64)
        with torch.no_grad():
            assert torch.equal(ours.eval()(image), reference.eval()(image))


def _leaves(network: nn.Module) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]


@pytest.mark.parametrize(
    ("name", "convs"),
    [("bireal-18", 16), ("bireal-34", 32), ("bireal-20", 18), ("recu-34", 32), ("reactnet-18", 16), ("reactnet-a", 31), ("bnn-resnet-18", 19)],
)
def test_the_networks_have_the_published_number_of_binary_convolutions(name: str, convs: int) -> None:
    with torch.device("meta"):
        network = build(name, input_shape=(3, 32, 32), num_classes=10)
    slots = [layer for layer in network.modules() if isinstance(layer, Conv)]
    assert len(slots) == convs
    assert all(layer.bits == 1 for layer in network.modules() if isinstance(layer, Conv | Activation))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"options": ["gate=maybe"]}, r"model bireal-18: option 'gate=maybe' is not known; it has stem=auto\|imagenet\|cifar, shortcut=pool-real"),
        ({"options": ["stem"]}, "model bireal-18: option 'stem' is not known"),
        ({"options": ["stem=big"]}, "model bireal-18: option stem is 'big'; accepted are auto, imagenet, cifar"),
        ({"input_bits": 1}, "model bireal-18: 1 input bits; its real-valued stem takes the 8 bits of the pixels"),
        ({"dropout": 0.5}, "model bireal-18: dropout 0.5; it has no dropout"),
    ],
)
def test_a_setting_the_network_does_not_have_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        build("bireal-18", input_shape=(3, 32, 32), num_classes=10, **arguments)


def test_a_network_without_switches_refuses_options() -> None:
    with pytest.raises(BadInputError, match="model tfc: option 'stem=cifar' is not known; it has no options"):
        build("tfc", input_shape=(1, 8, 8), num_classes=10, options=["stem=cifar"])


def test_options_are_bools_and_string_enums() -> None:
    for entry in NETWORKS:
        assert dataclasses.is_dataclass(entry.options)
        assert all(isinstance(getattr(entry.options, field.name), bool | StrEnum) for field in dataclasses.fields(entry.options))


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_the_described_switches_are_the_defaults(entry: Any) -> None:
    assert with_options(entry.options, described(entry.options), entry.name) == entry.options
    assert described(None) == ()


@pytest.mark.parametrize(("name", "option"), [("bnext-18", "attention=both"), ("real-to-binary-18", "gate=false")])
def test_a_recipes_switches_and_border_travel_in_the_checkpoint(name: str, option: str, tmp_path: Path) -> None:
    recipe = Recipe(
        ModelSettings(name, width=0.125, padding_value=0, options=(option,)), DataSettings("digits"), TrainSettings(epochs=1), QuantScheme()
    )
    images = Split(np.zeros((2, 8, 8, 1), np.uint8), np.zeros(2, np.int64), ("a", "b"))
    info = describe(recipe, images)
    network = quantise(build_config(info.config), info.scheme)
    path = tmp_path / "net.ckpt"
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    torch.save({RECORD: info.to_record(), "state_dict": state}, path)
    loaded, again = load_checkpoint(path)
    assert loaded.config.options == (option,)
    image = torch.randn(1, 1, 8, 8)
    assert torch.equal(network.eval()(image), again(image))
    padded = quantise(build_config(dataclasses.replace(info.config, padding_value=1)), info.scheme)
    with pytest.raises(BadInputError, match="trained with padding value 0, the network has 1"):
        load_weights(padded, network.state_dict(), path)
