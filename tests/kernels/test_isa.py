"""The kernel table is chosen at run time, and can be forced by name or by the environment."""

from __future__ import annotations

import pytest

from xnorflow import kernels
from xnorflow.errors import BadInputError


def test_the_slow_tables_run_everywhere_and_come_last() -> None:
    assert kernels.available()[-2:] == ("portable", "reference")


def test_auto_and_no_name_mean_the_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XNORFLOW_ISA", raising=False)
    assert kernels.resolve() == kernels.resolve("auto") == kernels.available()[0]


@pytest.mark.parametrize("name", kernels.available())
def test_a_table_can_be_forced_by_name_and_by_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORFLOW_ISA", name)
    assert kernels.resolve(name) == kernels.resolve() == name


def test_a_name_that_is_given_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORFLOW_ISA", "portable")
    assert kernels.resolve("reference") == "reference"


def test_an_empty_variable_means_the_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORFLOW_ISA", "")
    assert kernels.resolve() == kernels.available()[0]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInputError) as error:
        kernels.resolve("sse9")
    assert str(error.value) == f"instruction set 'sse9' is unknown or not supported by this CPU; accepted are auto, {', '.join(kernels.available())}"


def test_an_unknown_name_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNORFLOW_ISA", "sse9")
    with pytest.raises(BadInputError, match="environment variable XNORFLOW_ISA: instruction set 'sse9' is unknown"):
        kernels.resolve()
