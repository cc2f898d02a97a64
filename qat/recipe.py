"""A training recipe: one YAML file that says everything about one training."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from xnorflow.errors import BadInputError
from xnorflow.qat.data.settings import DataSettings
from xnorflow.qat.layers import QuantScheme
from xnorflow.qat.method import MethodSettings
from xnorflow.qat.settings import from_mapping, override
from xnorflow.qat.train_settings import TrainSettings

FINAL_STAGE = "last"
STAGE_SECTIONS = ("model", "train", "quant", "method", "data")
# The stages share their images, and vary them each in its own way.
STAGE_DATA = ("crop", "flip", "augment")
STAGE_NAME = re.compile("[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class ModelSettings:
    """Which network; the fields are those of ``xnorflow.models.ModelConfig`` that the data does not decide."""

    name: str
    width: float = 1.0
    padding_value: int = -1
    weight_bits: int = 1
    act_bits: int = 1
    input_bits: int | None = None
    dropout: float = 0.0
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """One training within a recipe; every section is complete."""

    name: str
    model: ModelSettings
    train: TrainSettings
    quant: QuantScheme = field(default_factory=QuantScheme)
    method: MethodSettings = field(default_factory=MethodSettings)
    data: DataSettings = field(kw_only=True)

    def __post_init__(self) -> None:
        if self.method.terms and self.train.loss != "cross-entropy":
            raise BadInputError(f"stage {self.name}: train.loss {self.train.loss} and method.terms are given; write the loss as one of the terms")
        try:
            self.method.check_inputs()
        except BadInputError as error:
            raise BadInputError(f"stage {self.name}: {error}") from error
        if self.train.bop is not None and (self.quant.weight != "ste" or self.method.rule is not None):
            raise BadInputError(
                f"stage {self.name}: train.bop holds signs, which take quant.weight ste (it is {self.quant.weight}) and no method.rule"
            )


@dataclass(frozen=True)
class Recipe:
    """One training: model, data, schedule, quantisation, method; or a chain of them on the same data.

    Attributes:
        model, train, quant, method: of the only stage, or what the stages have in common.
        data: of all stages, which may only vary the images differently.
        stages: in order; the last one's network is the result. Empty for a single stage.
    """

    model: ModelSettings
    data: DataSettings
    train: TrainSettings
    quant: QuantScheme = field(default_factory=QuantScheme)
    method: MethodSettings = field(default_factory=MethodSettings)
    stages: tuple[Stage, ...] = ()

    def __post_init__(self) -> None:
        done: list[str] = []
        for stage in self.chain():
            for needed in stage.method.stages():
                if needed not in done:
                    raise BadInputError(f"stage {stage.name} needs stage {needed}, which is none of the earlier ones ({', '.join(done) or 'none'})")
            done.append(stage.name)

    def chain(self) -> tuple[Stage, ...]:
        """The stages, at least one; the last one is named ``last`` whatever the recipe calls it, as its checkpoint is."""
        if not self.stages:
            return (Stage(FINAL_STAGE, self.model, self.train, self.quant, self.method, data=self.data),)
        return (*self.stages[:-1], replace(self.stages[-1], name=FINAL_STAGE))


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the package; those in a folder of ``qat/recipes`` begin with its name, ``digits/bnew`` for one."""
    root = resources.files("xnorflow.qat").joinpath("recipes")
    folders = {"": root, **{f"{entry.name}/": entry for entry in root.iterdir() if entry.is_dir()}}
    names = [prefix + entry.name for prefix, folder in folders.items() for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return tuple(sorted(name.removesuffix(".yaml") for name in names))


def load_recipe(recipe: Path | str, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe and apply ``section.key=value`` settings.

    Args:
        recipe: a YAML file, or the name of a shipped recipe.
        overrides: settings, applied in order.

    Raises:
        BadInputError: no such recipe, no YAML, an unknown key, or a value that is not accepted.
    """
    try:
        values = yaml.safe_load(_text(recipe))
    except (yaml.YAMLError, ValueError) as error:
        raise BadInputError(f"{recipe} is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError:
        raise BadInputError(f"{recipe} is no recipe: it is nested too deeply") from None
    if not isinstance(values, dict):
        raise BadInputError(f"{recipe} is no recipe: a mapping with model, data and train is expected")
    nested: dict[str, Any] = values
    for assignment in overrides or []:
        override(nested, assignment)
    return from_mapping(Recipe, _with_whole_stages(nested, str(recipe)), str(recipe))


def _with_whole_stages(values: dict[str, Any], where: str) -> dict[str, Any]:
    """Fill what a stage leaves out from the recipe's own sections, key by key; ``stages`` maps names to stages and becomes a list."""
    stages = values.get("stages")
    if stages is None:
        return {key: value for key, value in values.items() if key != "stages"}
    if not isinstance(stages, dict) or not stages:
        raise BadInputError(f"{where}: stages is {stages!r}; a mapping of names to stages is expected")
    whole = []
    for name, stage in stages.items():
        place = f"{where}: stages: {name}"
        if not isinstance(name, str) or not STAGE_NAME.fullmatch(name) or name == FINAL_STAGE:
            raise BadInputError(f"{place}: a stage is named by small letters, digits and hyphens, and not {FINAL_STAGE}")
        if stage is not None and not isinstance(stage, dict):
            raise BadInputError(f"{place} is {stage!r}; a mapping of sections is expected")
        whole.append({"name": name} | _whole_stage(values, stage or {}, place))
    return values | {"stages": whole}


def _whole_stage(values: dict[str, Any], stage: dict[str, Any], place: str) -> dict[str, Any]:
    for section in stage:
        if section not in STAGE_SECTIONS:
            raise BadInputError(f"{place}: key {section!r} is not known; known are {', '.join(STAGE_SECTIONS)}")
    merged = {}
    for section in STAGE_SECTIONS:
        common, own = values.get(section) or {}, stage.get(section) or {}
        for part in (common, own):
            if not isinstance(part, dict):
                raise BadInputError(f"{place}: {section} is {part!r}; a mapping of keys is expected")
        if section == "data":
            for key in own:
                if key not in STAGE_DATA:
                    raise BadInputError(f"{place}: data.{key} is of all stages; a stage may set {', '.join(STAGE_DATA)}")
        merged[section] = common | own
    return merged


def _text(recipe: Path | str) -> str:
    path = Path(recipe)
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"{path} cannot be read: {error}") from error
    if str(recipe) in shipped_recipes():
        return resources.files("xnorflow.qat").joinpath("recipes", f"{recipe}.yaml").read_text(encoding="utf-8")
    raise BadInputError(f"recipe {recipe} is neither a file nor shipped; shipped are {', '.join(shipped_recipes())}")
