"""Code of every version at hand, with what its own interpreter says of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pitviper.bytecode.code import Code, Version

FIXTURES = Path(__file__).parent / "fixtures"


class Known(msgspec.Struct):
    """Marshalled code, and what its interpreter tells of each code object, outer ones first."""

    version: Version
    data: bytes
    codes: list[dict[str, Any]]


def known(path: Path) -> Known:
    told = json.loads(path.read_text(encoding="ascii"))
    major, minor = map(int, told["version"].split("."))
    return Known(Version(major, minor, told["implementation"]), base64.b64decode(told["marshal"]), told["codes"])


KNOWN = [known(path) for path in sorted(FIXTURES.glob("*.json"))]


@pytest.fixture(params=KNOWN, ids=lambda one: str(one.version))
def compiled(request: pytest.FixtureRequest) -> Known:
    """One version after the other."""
    found: Known = request.param
    return found


def walk(code: Code) -> Iterator[Code]:
    """`code` and all code in it."""
    yield code
    for value in code.consts:
        if isinstance(value, Code):
            yield from walk(value)
