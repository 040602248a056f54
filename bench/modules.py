"""The modules of the bytecode benchmark: each shape with each kind of secret, alone and in a method of a module."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from itertools import count

import msgspec
import shapes
from interpreters import Interpreter

from pitviper.engine.matcher import entropy
from pitviper.formats import FORMATS
from pitviper.formats.interface import Verdict
from pitviper.rules.template import make

_TOKENS = {
    "github-pat": "ghp_{base62:30}{crc32-base62}",
    "anthropic-api-key": "sk-ant-api03-{base64url:93}AA",
    "sendgrid-api-key": "SG.{base64url:22}.{base64url:43}",
    "stripe-secret-key": "sk_live_51{base62:97}",
    "google-api-key": "AIzaSy{base64url:33}",
}
"""Providers' tokens, by rule: with a checksum; of lengths that are letters as the byte before a string; with ends that
are no word. They have names that tell nothing."""
_VALUES = {"api_secret": "{base62:40}", "auth_token": "{hex:40}", "db_password": "{base64url:32}"}
"""Values that only their names make secrets of."""
_ENTROPY = 3.3
"""Bits a byte that the rule asks for."""
_PLAIN_NAMES = ("thing", "entry", "part", "other", "first")
_IN_MODULE = '''\
"""Orders of the shop."""

import os
from json import dumps

LIMIT = 100
NAMES = ("apple", "pear", "plum")


class Orders(object):
    """Keeps them."""

    def __init__(self, path, mode="r"):
        self.path = path
        self.mode = mode
        self.counts = {}

    def run(self, request, *rest, **options):
{source}
        return None

    def write(self, text):
        with open(self.path, "a") as file:
            file.write("%s %s\\n" % (text, dumps(self.counts)))
'''
_BEFORE = _IN_MODULE.index("{source}")
_FIRST_LINE = _IN_MODULE[:_BEFORE].count("\n")
_INDENT = " " * 8


class Module(msgspec.Struct, frozen=True):
    """A source with one `secret`, which stands in `lines` (from 1 on) and in one of `functions`.

    `kind` is a provider's rule, or the name that makes a secret of a value.
    """

    path: str
    shape: str
    kind: str
    secret: str
    source: str
    lines: range
    functions: tuple[str, ...]

    @property
    def is_token(self) -> bool:
        """Whether it is a provider's token."""
        return self.kind in _TOKENS


def modules(version: tuple[int, int]) -> Iterator[Module]:
    """All that `version` can compile."""
    numbers = {name: number for number, name in enumerate(shapes.SHAPES)}
    for name, shape in shapes.for_version(version):
        kinds = [(kind, kind, template) for kind, template in _VALUES.items()] if shape.named else []
        tokens = zip(_TOKENS.items(), _PLAIN_NAMES, strict=True)
        kinds += [(kind, plain, template) for (kind, template), plain in tokens]
        for kind, variable, template in kinds:
            for inside in (False, True) if shape.inside else (False,):
                seed = f"bench/{name}/{kind}/{inside}"
                secret = make(template, seed) if kind in _TOKENS else _random(template, seed)
                path = f"m{numbers[name]:03}/{kind.replace('-', '_')}_{'inside' if inside else 'alone'}.py"
                yield _module(Module(path, name, kind, secret, "", range(0), ()), shape, variable, inside=inside)


def _random(template: str, seed: str) -> str:
    """A fake that looks random enough, as most random ones do."""
    for number in count():
        secret = make(template, f"{seed}/{number}")
        if entropy(secret.encode()) < _ENTROPY:
            continue
        groups = {"name": b"password", "secret": secret.encode()}
        if FORMATS["generic-random-secret"].check(secret.encode(), groups).verdict is not Verdict.INVALID:
            return secret
    raise AssertionError


def _module(bare: Module, shape: shapes.Shape, variable: str, *, inside: bool) -> Module:
    source = shapes.written(shape, bare.secret, variable)
    functions = [one.replace("$n", variable) for one in shape.functions()]
    first = 1
    if inside:
        source = _IN_MODULE[:_BEFORE] + _indented(source) + _IN_MODULE[_BEFORE + len("{source}") :]
        functions = [f"Orders.run.{one}".rstrip(".") for one in functions]
        first += _FIRST_LINE
    found = shape.lines()
    lines = range(found.start + first, found.stop + first)
    return msgspec.structs.replace(bare, source=source + "\n", lines=lines, functions=tuple(functions))


def _indented(source: str) -> str:
    """`source` in a method; a string that goes on behind a backslash stays as it is."""
    lines = source.split("\n")
    return "\n".join(
        line if number and lines[number - 1].endswith("\\") else _INDENT + line for number, line in enumerate(lines)
    )


def write(found: Sequence[Module], folder: str) -> None:
    """The sources, below `folder`."""
    for one in found:
        path = os.path.join(folder, one.path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(one.source)


def compile_all(interpreter: Interpreter, sources: str, compiled: str) -> None:
    """A `.pyc` below `compiled` for each source. Raises `subprocess.CalledProcessError` if one does not compile."""
    subprocess.run([*interpreter.command, _COMPILE, sources, compiled], check=True, stdin=subprocess.DEVNULL)


_COMPILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compiled.py")
