"""JSON that is safe wherever it lands: valid UTF-8 whatever the strings hold, and nothing in it steers a terminal."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from pitviper.model.place import escape

_UNUSUAL = re.compile(r"[^\n -~]+")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


def encode(value: object, *, unicode: bool, indent: int = -1) -> str:
    """`value` as JSON text, on one line if `indent` is negative.

    Characters that do not print (control characters beyond ASCII, bidirectional marks) are written as JSON escapes, and
    without `unicode` all beyond ASCII are. A lone surrogate, which no parser has to accept, becomes visible text.
    """
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_well_formed(msgspec.to_builtins(value)))
    if indent >= 0:
        data = msgspec.json.format(data, indent=indent)
    return _UNUSUAL.sub(_printable if unicode else _ascii, data.decode())


def _well_formed(value: Any) -> Any:
    """`value` without lone surrogates in its strings."""
    if isinstance(value, str):
        return _SURROGATES.sub(lambda lone: escape(lone[0]), value)
    if isinstance(value, dict):
        return {key: _well_formed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_well_formed(item) for item in value]
    return value


def _printable(run: re.Match[str]) -> str:
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in run[0])


def _ascii(run: re.Match[str]) -> str:
    return json.dumps(run[0])[1:-1]
