from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from xnorflow.errors import BadInputError, UnsupportedModelError
from xnorflow.models import build_config
from xnorflow.qat.checkpoint import load_checkpoint
from xnorflow.qat.data.module import ImageData
from xnorflow.qat.data.sources import load_split
from xnorflow.qat.freeze import evaluation_form, freeze
from xnorflow.qat.layers import BinaryConv2d, BinaryLinear
from xnorflow.qat.pixel_table import PixelTable
from xnorflow.qat.quantise import quantise
from xnorflow.qat.recipe import Recipe, load_recipe
from xnorflow.qat.terms import squared_hinge
from xnorflow.qat.training import accuracy, cpu_threads, describe, run_training

SHORT = ["train.epochs=4", "data.limit_train=256", "data.crop=1", "data.flip=true", "model.dropout=0.2", "model.width=0.25"]


def short(*settings: str) -> Recipe:
    return load_recipe("tfc-digits", [*SHORT, *settings])


def weights(path: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["state_dict"]
    return state


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = run_training(short(), tmp_path / "whole")
    half = run_training(short(), tmp_path / "half", stop_after=2)
    assert half.epochs == 2
    assert not same(weights(half.checkpoint), weights(whole.checkpoint))
    rest = run_training(short(), tmp_path / "rest", resume=half.checkpoint)
    assert rest.epochs == whole.epochs == 4
    assert same(weights(rest.checkpoint), weights(whole.checkpoint))
    assert rest.accuracy == whole.accuracy


def test_a_recipe_without_method_is_the_plain_loop_bit_for_bit(tmp_path: Path) -> None:
    recipe = load_recipe("tfc-digits", ["train.epochs=2", "data.limit_train=256", "model.width=0.25"])
    trained = run_training(recipe, tmp_path)
    train, test = load_split("digits", "train").shuffled(0).head(256), load_split("digits", "test")
    torch.manual_seed(0)
    config = describe(recipe, train).config
    network, pixels = quantise(build_config(config)), PixelTable(recipe.data.pixel_norm(), 1)
    data = ImageData(train, test, batch_size=64)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    with cpu_threads(1):
        for step in range(8):
            data.sampler.set_epoch(step // 4)
            images, labels = list(data.train_dataloader())[step % 4]
            optimizer.param_groups[0]["lr"] = 0.05 * 0.5 * (1 + math.cos(math.pi * step / 8))
            optimizer.zero_grad()
            functional.cross_entropy(network(pixels(images)), labels).backward()
            optimizer.step()
            with torch.no_grad():
                for layer in (module for module in network.modules() if isinstance(module, BinaryLinear)):
                    layer.weight.clamp_(-1.0, 1.0)
    state = weights(trained.checkpoint)
    for name, value in network.state_dict().items():
        assert torch.equal(state[f"network.{name}"], value), name


def test_the_seed_decides_the_weights(tmp_path: Path) -> None:
    results = [run_training(short(f"train.seed={seed}", "train.epochs=1"), tmp_path / str(n)) for n, seed in enumerate((1, 1, 2))]
    first, again, other = (weights(result.checkpoint) for result in results)
    assert same(first, again)
    assert not same(first, other)


def test_latent_binary_weights_stay_within_one(tmp_path: Path) -> None:
    state = weights(run_training(short("train.lr=3", "train.epochs=1"), tmp_path).checkpoint)
    assert float(state["network.3.weight"].abs().max()) == 1.0


@pytest.mark.parametrize("setting", ["train.loss=squared-hinge", "train.optimiser=sgd", "train.schedule=constant", "quant.activation=approx-sign"])
def test_every_option_trains(tmp_path: Path, setting: str) -> None:
    trained = run_training(short(setting, "train.epochs=1", "train.warmup=0.5"), tmp_path)
    assert trained.accuracy is not None
    assert trained.accuracy > 0.05


def test_the_folder_holds_one_checkpoint_and_tensorboard_logs(tmp_path: Path) -> None:
    run_training(short("train.epochs=1"), tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last.ckpt", "logs"]
    assert list(tmp_path.glob("logs/last/events.out.tfevents.*"))


def test_a_new_training_spares_another_ones_folder_unless_told(tmp_path: Path) -> None:
    first = run_training(short("train.epochs=1"), tmp_path).checkpoint
    before = first.read_bytes()
    with pytest.raises(BadInputError, match=r"last\.ckpt is of another training, which --resume .* goes on with and --force replaces"):
        run_training(short("train.epochs=1", "train.seed=1"), tmp_path)
    assert first.read_bytes() == before
    begun = run_training(short("train.seed=2"), tmp_path / "begun", stop_after=1).checkpoint
    with pytest.raises(BadInputError, match="is of another training"):
        run_training(short("train.seed=2"), tmp_path, resume=begun)
    assert first.read_bytes() == before
    run_training(short("train.epochs=1", "train.seed=1"), tmp_path, force=True)
    assert first.read_bytes() != before


def test_a_training_that_diverges_is_stopped_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        BadInputError, match=r"training diverged in stage last, epoch 0, step 1: the loss is inf; lower train\.lr; no checkpoint was written before"
    ):
        run_training(short("train.lr=1e38", "train.optimiser=sgd"), tmp_path)


def test_a_batch_larger_than_the_data_is_the_whole_data(tmp_path: Path) -> None:
    assert run_training(short("train.batch_size=100000", "train.epochs=1"), tmp_path).train_images == 256


def test_a_residual_network_is_judged_with_hard_weights_though_it_cannot_be_frozen(tmp_path: Path) -> None:
    done = run_training(load_recipe("tfc-digits", ["model.name=bireal-20", "model.width=0.25", "train.epochs=1"]), tmp_path)
    info, network = load_checkpoint(done.checkpoint)
    judged = evaluation_form(network)
    binary = [layer for layer in judged.modules() if isinstance(layer, BinaryConv2d)]
    assert binary
    for layer in binary:
        weight = layer.quant_weight().value
        assert torch.equal(weight.abs(), weight.abs().amax(dim=(1, 2, 3), keepdim=True).expand_as(weight))
    assert accuracy(network, info.pixel_norm, load_split("digits", "test")) == done.accuracy
    with pytest.raises(UnsupportedModelError, match=r"stem\.conv is real-valued, .* `xnorflow integerise` first"):
        freeze(network)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="file/out cannot be made: Not a directory"):
        run_training(short(), tmp_path / "file" / "out")


def test_squared_hinge_is_finns() -> None:
    logits = torch.tensor([[2.0, -0.5, -2.0]])
    # targets +1, -1, -1: max(0, 1 - 2)^2, max(0, 1 - 0.5)^2, max(0, 1 - 2)^2
    assert float(squared_hinge(logits, torch.tensor([0]))) == pytest.approx(0.25 / 3)


@pytest.mark.slow
@pytest.mark.skipif("XNORFLOW_DATA" not in os.environ, reason="XNORFLOW_DATA names no folder with MNIST/raw")
def test_tfc_learns_mnist(tmp_path: Path) -> None:
    recipe = load_recipe("tfc-mnist", [f"data.source=mnist={os.environ['XNORFLOW_DATA']}", "train.epochs=3"])
    result = run_training(recipe, tmp_path)
    assert result.test_images == 10_000
    assert result.accuracy > 0.88
