"""JSON records from files: read in one place, refused in one line."""

from __future__ import annotations

import json
from typing import Any

from xnorflow.errors import BadInputError


def parse_json(text: str, source: str) -> Any:
    """Read JSON text.

    Args:
        text: the JSON.
        source: what an error message calls it.

    Raises:
        BadInputError: it is no JSON, it is nested too deeply to be read, or an object in it has a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise BadInputError(f"{source} is damaged: it is nested too deeply") from None
    except ValueError as error:
        raise BadInputError(f"{source} is damaged: {str(error).split(';')[0]}") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} appears twice in one object")
    return record
