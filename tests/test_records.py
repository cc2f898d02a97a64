from __future__ import annotations

import pytest

from xnorflow.errors import BadInputError
from xnorflow.records import parse_json


def test_json_becomes_plain_types() -> None:
    assert parse_json('{"a": [1, 2.5, null], "b": {"a": "x"}}', "file") == {"a": [1, 2.5, None], "b": {"a": "x"}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ('{"a": 1, "b": 2, "a": 3}', "key 'a' appears twice"),
        ("9" * 5000, "Exceeds the limit"),
    ],
)
def test_anything_else_is_refused_in_one_line_that_names_the_source(text: str, reason: str) -> None:
    with pytest.raises(BadInputError, match=reason) as caught:
        parse_json(text, "file f.json")
    assert str(caught.value).startswith("file f.json is damaged: ")
    assert "\n" not in str(caught.value)
