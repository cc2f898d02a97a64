from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from xnorflow.errors import BadInputError
from xnorflow.models import build, lookup
from xnorflow.qat.recipe import load_recipe, shipped_recipes


def test_the_shipped_recipes_load_and_name_known_models() -> None:
    assert {"tfc-digits", "tfc-mnist", "cnv-small-digits", "cnv-cifar10", "vgg-small-digits"} <= set(shipped_recipes())
    for name in shipped_recipes():
        recipe = load_recipe(name)
        shape = (1, 8, 8) if recipe.data.source == "digits" else lookup(recipe.model.name).input_shape
        assert build(recipe.model.name, input_shape=shape, num_classes=10, width=recipe.model.width * 0.125)
        assert all(0 < mean < 1 for mean in recipe.data.pixel_norm().mean)


def test_settings_override_the_recipe_in_order() -> None:
    recipe = load_recipe("tfc-digits", ["train.epochs=3", "train.lr=1e-3", "model.width=2", "quant.weight_scale=mean", "train.epochs=4"])
    assert (recipe.train.epochs, recipe.train.lr, recipe.model.width, recipe.quant.weight_scale) == (4, 0.001, 2.0, "mean")


def test_values_may_be_fractions_lists_and_null() -> None:
    recipe = load_recipe("tfc-digits", ["data.pixel_mean=[0.5, 128/255]", "data.pixel_scale=1/256", "model.input_bits=null"])
    assert recipe.data.pixel_mean == (0.5, 128 / 255)
    assert recipe.data.pixel_norm().scale == Fraction(1, 256)
    assert recipe.model.input_bits is None


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.epoch=3", "tfc-digits: train: key 'epoch' is not known; known are .*epochs, batch_size, lr"),
        ("trian.epochs=3", "tfc-digits: key 'trian' is not known; known are model, data, train, quant"),
        ("train.epochs=many", "tfc-digits: train: epochs is 'many'; int is expected"),
        ("train.epochs=1.5", "epochs is 1.5; int is expected"),
        ("train.epochs=true", "epochs is True; int is expected"),
        ("train.epochs=0", "train.epochs 0 is not positive"),
        ("train.lr=fast", "lr is 'fast'; float is expected"),
        ("train.lr=-1", "train.lr -1.0 is not positive"),
        ("train.lr=.inf", "train.lr inf is not finite"),
        ("train.weight_decay=.inf", "train.weight_decay inf is not finite"),
        ("train.gradient_clip=.inf", "train.gradient_clip inf is not finite"),
        ("train.threads=100000000", "train.threads 100000000 is above 1024"),
        ("train.groups=[{kind: norm, lr: .inf}]", "norm has lr inf and weight_decay None; finite ones from 0 are accepted"),
        ("train.lr=.nan", "train.lr nan is not positive"),
        ("train.loss=mse", "train.loss 'mse' is not known; known are cross-entropy, squared-hinge"),
        ("train.optimiser=lion", "known are adam, adamw, sgd"),
        ("train.warmup=1", "train.warmup 1.0"),
        ("data.flip=1", "flip is 1; bool is expected"),
        ("data.crop=-1", "data.crop -1 is negative"),
        ("data.limit_train=1", "data.limit_train 1 is below 2"),
        ("train.batch_size=1", "train.batch_size 1 is below 2"),
        ("train.seed=4294967296", "train.seed 4294967296 is above 4294967295"),
        ("data.pixel_mean=0.5", "pixel_mean is 0.5; a list is expected"),
        ("quant.activation=relu", "quant.activation 'relu' is not known"),
        ("train=3", "tfc-digits: train is 3; a mapping of keys is expected"),
        ("train.epochs.first=3", "first has no keys|epochs has no keys"),
        ("train.epochs", "is not of the form key=value"),
        ("train.lr=1e400", "lr is .1e400.; float is expected"),
        ("train.lr=[", r"'\[' is no YAML value"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_is_accepted(setting: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        load_recipe("tfc-digits", [setting])


@pytest.mark.parametrize("scale", ["one", "1/0", "0", "-1/255"])
def test_a_pixel_scale_that_is_no_positive_fraction_is_refused(scale: str) -> None:
    with pytest.raises(BadInputError, match="scale"):
        load_recipe("tfc-digits", [f"data.pixel_scale='{scale}'"]).data.pixel_norm()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 50_000, r"recipe\.yaml is no recipe: it is nested too deeply"),
        ("model: {name: tfc}\ntrain: {epochs: " + "9" * 5000 + "}", r"recipe\.yaml is no YAML: Exceeds the limit"),
        ("model: [", r"recipe\.yaml is no YAML"),
        ("- a list", r"recipe\.yaml is no recipe: a mapping"),
        ("model: {name: tfc}\ndata: {source: digits}", r"recipe\.yaml: key 'train' is missing"),
        ("model: {}\ndata: {source: digits}\ntrain: {epochs: 1}", r"recipe\.yaml: model: key 'name' is missing"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=message):
        load_recipe(path)


def test_a_recipe_that_does_not_exist_is_refused_with_the_shipped_ones() -> None:
    with pytest.raises(
        BadInputError, match=r"recipe nowhere\.yaml is neither a file nor shipped; shipped are cifar10/bd-bnn-resnet-18, .*cnv-cifar10, .*tfc-mnist"
    ):
        load_recipe(Path("nowhere.yaml"))
