"""The page on training methods names what exists, in the same order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from xnorflow.qat.distill import attention, consecutive, distribution, logits
from xnorflow.qat.injectors import ACTIVATIONS, SCALES, WEIGHTS, activation_constants, weight_constants
from xnorflow.qat.latent_starts import STARTS
from xnorflow.qat.optim.rules import RULES
from xnorflow.qat.registry import Registry
from xnorflow.qat.regularise.kurtosis import TARGETS
from xnorflow.qat.regularise.mimicking import REDUCTIONS, VARIANTS
from xnorflow.qat.terms import TERMS

PAGE = (Path(__file__).parents[2] / "docs" / "training-methods.md").read_text()
TABLES = [re.findall(r"^\| ([a-z-]+) \|", table, flags=re.MULTILINE)[1:] for table in re.findall(r"(?:^\|.*\n)+", PAGE, flags=re.MULTILINE)]


@pytest.mark.parametrize(("index", "names"), list(enumerate([WEIGHTS, SCALES, ACTIVATIONS, RULES.names, TERMS.names])))
def test_each_table_lists_its_registry(index: int, names: tuple[str, ...]) -> None:
    assert TABLES[index] == list(names)


def test_there_are_no_other_tables() -> None:
    assert len(TABLES) == 5


def rows(heading: str) -> dict[str, str]:
    """The last cell of each row of the first table behind a heading, by the row's name."""
    section = PAGE[PAGE.index(heading) :].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| ")]
    return {row[0]: row[-1] for row in reversed(cells) if row[0] not in ("name", "scale")}


def settings(cell: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"([a-z_]+) (-?[0-9.]+(?:e-?[0-9]+)?)(?=,|$| \()", cell)}


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_settings_of_weights_are_those_of_the_registry_with_their_defaults(name: str) -> None:
    expected = {"clip": 1.0} if name == "ste" else {key: WEIGHTS[name][key] for key in weight_constants(name)}
    assert settings(rows("## Weights")[name]) == expected


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_settings_of_activations_are_those_of_the_registry_with_their_defaults(name: str) -> None:
    assert settings(rows("## Activations")[name]) == {key: ACTIVATIONS[name][key] for key in activation_constants(name)}


@pytest.mark.parametrize(("heading", "registry"), [("## Rules", RULES), ("## Loss terms", TERMS)])
def test_every_argument_of_a_rule_or_term_is_in_its_row(heading: str, registry: Registry[Any]) -> None:
    for name, cell in rows(heading).items():
        words = set(re.findall(r"[a-z_]+", cell))
        fields = set(registry.arguments(name))
        assert fields <= words, f"{name}: {fields - words} missing"
        assert bool(fields) == bool(words), name


def test_every_choice_of_a_terms_argument_is_in_its_row() -> None:
    cells = rows("## Loss terms")
    choices = {
        "logits": logits.FORMS,
        "attention": attention.FORMS,
        "consecutive": consecutive.FORMS,
        "distribution": (*distribution.MODELS, *distribution.MATCHES, *distribution.DIRECTIONS, *distribution.GROUPS),
        "kurtosis": tuple(TARGETS),
        "mimicking": (*VARIANTS, *REDUCTIONS),
    }
    for name, known in choices.items():
        assert [each for each in known if each not in re.findall(r"[a-z0-9-]+", cells[name])] == []


def test_the_starts_of_latents_are_all_named() -> None:
    assert [name for name in STARTS if f"`{name}`" not in PAGE] == []
