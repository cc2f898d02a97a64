from __future__ import annotations

import pytest

from xnorflow.errors import BadInputError
from xnorflow.models import architectures, build, lookup
from xnorflow.models.registry import register


def test_the_published_networks_are_registered() -> None:
    assert {"tfc", "sfc", "lfc", "cnv", "cnv-small", "vgg-small"} <= {entry.name for entry in architectures()}


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'tfc' is registered twice"):
        register(lookup("tfc"))


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInputError, match=r"model 'resnet' is not known; known are .*cnv.*lfc.*sfc.*tfc.*vgg-small"):
        build("resnet", input_shape=(3, 32, 32), num_classes=10)


def test_entries_are_sorted_and_described() -> None:
    entries = architectures()
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert all(entry.summary and "\n" not in entry.summary for entry in entries)
