"""Names with typed arguments."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from xnorflow.errors import BadInputError
from xnorflow.qat.registry import Registry


@dataclass(frozen=True)
class Colour:
    shade: float = 0.5


def registry() -> Registry[Colour]:
    colours: Registry[Colour] = Registry("colour")
    colours.register("red")(Colour)
    return colours


def test_a_name_builds_its_object_with_its_arguments() -> None:
    assert registry().build("red", {"shade": "1/4"}, "recipe") == Colour(0.25)
    assert registry().names == ("red",)


def test_a_name_is_used_once() -> None:
    with pytest.raises(ValueError, match="colour 'red' is registered twice"):
        registry().register("red")(Colour)


def test_unknown_names_and_arguments_list_the_known() -> None:
    with pytest.raises(BadInputError, match="recipe: colour 'blue' is not known; known are red"):
        registry().build("blue", {}, "recipe")
    with pytest.raises(BadInputError, match="recipe: red: key 'tone' is not known; known are shade"):
        registry().build("red", {"tone": 1}, "recipe")
    with pytest.raises(BadInputError, match="recipe: red: shade is 'dark'; float is expected"):
        registry().build("red", {"shade": "dark"}, "recipe")
