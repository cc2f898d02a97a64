"""The page on data names the augmentations and sources that exist."""

from __future__ import annotations

import dataclasses
import json
import re
from fractions import Fraction
from pathlib import Path

from xnorflow.qat.augmentations.pipeline import AUGMENTATIONS, Pipeline
from xnorflow.qat.data.settings import DataSettings
from xnorflow.qat.data.sources import FORMS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "data.md").read_text()


def section(title: str) -> str:
    return PAGE[PAGE.index(f"## {title}") :].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    table = re.search(r"(?:^\|.*\n)+", section(title), flags=re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.group().splitlines()[2:]]


def plain(value: object) -> object:
    return [float(Fraction(word)) for word in str(value).split()] if re.fullmatch(r"[\d./ ]+", str(value)) else value


def test_the_table_lists_every_augmentation_with_its_arguments_and_defaults() -> None:
    assert Pipeline().copies == 1  # importing the pipeline registers them
    documented = {name: dict(argument.split(" ", 1) for argument in arguments.split(", ")) for name, _, arguments in rows("Augmentations")}
    assert sorted(documented) == sorted(AUGMENTATIONS.names)
    for name, arguments in documented.items():
        built = AUGMENTATIONS.build(name, {}, "")
        defaults = {field.name: getattr(built, field.name) for field in dataclasses.fields(built)}
        told = {key: plain(value) for key, value in arguments.items()}
        assert told == {key: list(v) if isinstance(v, tuple) else [float(v)] if isinstance(v, int | float) else v for key, v in defaults.items()}, (
            name
        )


def test_the_table_lists_every_source() -> None:
    assert [row[0] for row in rows("Sources")] == FORMS.split(", ")


def test_the_settings_named_on_the_page_exist_with_the_defaults_given() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(DataSettings)}
    named = set(re.findall(r"`data\.(\w+)`", PAGE))
    assert named <= set(fields)
    assert f"`data.crop_ratio`, {fields['crop_ratio']}" in PAGE
    assert f"`data.device_megabytes` ({fields['device_megabytes']})" in PAGE


def test_the_speeds_are_the_recorded_ones() -> None:
    record = json.loads((ROOT / "benchmarks" / "results" / "data-cpu.json").read_text())
    table = [[name, *(int(value.replace(",", "")) for value in values)] for name, *values in rows("The same pixels, always")]
    assert table == [[name, rates["ours"], rates["one by one"]] for name, rates in record["images_per_second"].items()]
