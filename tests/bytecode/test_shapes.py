"""What a person writes in a line or two of source is seen in its compiled form, whatever version compiled it."""

from __future__ import annotations

import base64
import importlib.util
import json
import marshal
import sys
import zlib
from pathlib import Path
from types import ModuleType

import pytest

from pitviper.bytecode.code import Code, Version
from pitviper.bytecode.marshal import load
from pitviper.bytecode.render import render

FOLDER = Path(__file__).parent / "fixtures"


def written() -> ModuleType:
    """The module that is run by all versions to make the fixtures."""
    spec = importlib.util.spec_from_file_location("shapes", FOLDER / "shapes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SHAPES = written().SHAPES


def version_of(name: str) -> Version:
    major, minor = map(int, name.removeprefix("pypy").split("."))
    return Version(major, minor, "pypy" if name.startswith("pypy") else "cpython")


def kept() -> dict[Version, dict[str, bytes]]:
    """Of each version, its marshalled code of each shape."""
    found = {}
    for path in FOLDER.glob("shapes/*.txt"):
        packed = json.loads(zlib.decompress(base64.b64decode(path.read_text(encoding="ascii"))))
        found[version_of(path.stem)] = {name: base64.b64decode(data) for name, data in packed.items()}
    return found


CODES = kept()


def rendered(data: bytes, version: Version) -> str:
    code = load(data, 0, version).value
    assert isinstance(code, Code)
    return render(code).text.decode()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("version", sorted(CODES), ids=str)
def test_is_seen_in(version: Version, shape: str) -> None:
    data = CODES[version].get(shape)
    if data is None:
        assert (version.major, version.minor) < SHAPES[shape][0]
        pytest.skip("this version has no such syntax")
    text = rendered(data, version)
    _, _, wanted = SHAPES[shape]
    alternatives = shape in ALTERNATIVES
    seen = [each in text for each in wanted]
    assert any(seen) if alternatives else all(seen), text


ALTERNATIVES = ("double star", "base64, imported", "encoded", "bytes")
"""Of these, what was written is known to be one of several."""


@pytest.mark.parametrize("shape", SHAPES)
def test_is_seen_in_this_interpreter(shape: str) -> None:
    since, source, wanted = SHAPES[shape]
    if sys.version_info < since:
        pytest.skip("this version has no such syntax")
    code = compile(source, "shape.py", "exec", dont_inherit=True)
    text = rendered(marshal.dumps(code), Version(*sys.version_info[:2]))
    seen = [each in text for each in wanted]
    assert any(seen) if shape in ALTERNATIVES else all(seen), text
