"""Tokens in compiled Python: modules of many shapes, made here with `compile` and `marshal`, and never run."""

from __future__ import annotations

import marshal
import struct
from collections.abc import Callable
from importlib.util import MAGIC_NUMBER

import pytest

from pitviper.engine.matcher import Matcher
from pitviper.model.blob import Memory, Span
from pitviper.rules.loading import load
from pitviper.rules.template import make

SEEDS = 3

TOKENS = {
    "github-pat": "ghp_{base62:30}{crc32-base62}",
    "github-fine-grained-pat": "github_pat_{base62:22}_{base62:59}",
    "npm-token": "npm_{base62:30}{crc32-base62}",
    "pypi-token": "pypi-{pypi-macaroon}",
    "aws-access-key-id": "AKIA{aws-access-key-id}",
    "openai-project-key": "sk-proj-{base64url:74}T3BlbkFJ{base64url:74}",
    "google-api-key": "AIza{base64url:34}4",
    "private-key": "{private-key}",
}
"""Tokens of different kinds: short, of 93 bytes (a length that is a letter), with the anchor in the middle, long."""

EXACT = ("github-pat", "github-fine-grained-pat", "npm-token", "aws-access-key-id")
"""Those whose length is fixed, so that a letter beside them makes them something else."""

SHAPES = {
    "module constant": "A = {0!r}",
    "value in a dict": "A = {{'name': {0!r}, 'next': 1}}",
    "key in a dict": "A = {{{0!r}: 'name', 'z': 2}}",
    "keyword argument": "f(token={0!r}, z=1)",
    "argument": "f({0!r}, 'z', 's')",
    "default": "def f(a, token={0!r}, *, b={0!r}): return a",
    "default of a lambda": "f = lambda token={0!r}: token",
    "docstring": "'''Call it with\n\n    {0}\n\nand see.'''",
    "docstring of a function": "def f():\n    '''Token: {3}.'''\n    return 1",
    "docstring that is the token": "class A:\n    {0!r}",
    "attribute of a class": "class A:\n    z = 's'\n    token = {0!r}\n    a = 't'",
    "nested function": "def f():\n    def g():\n        return h({0!r})\n    return g",
    "comprehension": "A = [f({0!r}, a) for a in b]",
    "tuple": "A = ('a', {0!r}, 'zzz', 0x7a)",
    "set": "a in {{'s', {0!r}, 't'}}",
    "comparison": "if a == {0!r}: b()",
    "match": "match a:\n    case {0!r}: b()",
    "bytes": "A = {0!r}.encode(); B = b'z' + {1!r} + b'z'",
    "f-string": "A = f'{{a}}{3}{{b}}'",
    "f-string with words": "A = f'{{a}} and {3} or {{b}}'",
    "header": "A = {{'Authorization': 'Bearer {3}'}}",
    "URL": "A = 'https://user:{3}@example.org/a?b=c'",
    "query": "A = 'https://example.org/?token={3}&z=1'",
    "string that is not ASCII": "A = 'größe {3} größe'",
    "string with a snake": "A = '🐍{3}🐍'",
    "used twice": "A = {0!r}\ndef f(): return {0!r}\ndef g(): return ({0!r}, {0!r})",
    "annotation": "def f(a: {0!r}) -> {0!r}: ...",
    "raise": "raise ValueError({0!r})",
    "del and global": "global z\nz = {0!r}\ndel z",
    "string behind a letter": "A = ('{2}', {0!r}, '{2}')",
    "lines": "A = {0!r}\n" + "z = 1\n" * 300,
    "config text": "A = '''" + "[section]\nkey = value\n" * 20 + "token = {0}\n" + "other = zzz\n" * 20 + "'''",
    "config text that begins with it": "A = '{3}\\n" + "key = value\\n" * 60 + "'",
    "config text that ends with it": "A = '" + "key = value\\n" * 60 + "{3}'",
    "config text of umlauts": "A = '''" + "größe = 1\n" * 60 + "token={0}\n'''",
    "config text of 70 KB": "A = '''" + "key = value\n" * 6000 + "token={0}\n" + "a = b\n" * 10 + "'''",
}


@pytest.fixture(scope="module")
def find() -> Callable[[bytes], set[tuple[str, bytes]]]:
    """A function from some bytes to (rule, secret) of all matches."""
    matcher = Matcher(load())

    def found(data: bytes) -> set[tuple[str, bytes]]:
        buffer = bytearray(data)
        span = Span(Memory("a"), 0, len(buffer), 0, len(buffer))
        return {
            (match.rule.id, match.secret)
            for span, hits in matcher.hits(buffer, len(buffer), [span])
            for match in matcher.look(buffer, span, hits).matches
        }

    return found


Find = Callable[[bytes], set[tuple[str, bytes]]]


def compiled(shape: str, token: str) -> bytes:
    """A `.pyc` of the module that has `token` in the place that `shape` says."""
    escaped = token.replace("\n", "\\n")
    source = SHAPES[shape].format(token, token.encode(), "z" * 90, escaped)
    code = compile(source, "module.py", "exec", dont_inherit=True)
    return MAGIC_NUMBER + struct.pack("<III", 0, 1_700_000_000, len(source)) + marshal.dumps(code)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", TOKENS)
def test_found_in_a_module(find: Find, name: str, shape: str) -> None:
    for seed in range(SEEDS):
        token = make(TOKENS[name], f"{name} {seed}")
        assert (name, token.encode()) in find(compiled(shape, token))


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if "{2}" not in SHAPES[shape]])
def test_glued_to_letters_it_is_none(find: Find, name: str, shape: str) -> None:
    for seed in range(SEEDS):
        token = make(TOKENS[name], f"glued {name} {seed}")
        for glued in (f"x{token}", f"{token}x", f"Q9{token}", f"{token}_", f"abc_{token}xyz"):
            secrets = {secret for rule, secret in find(compiled(shape, glued)) if rule == name}
            assert not secrets, glued.replace(token, "TOKEN")


@pytest.mark.parametrize("length", [*range(41, 60), *range(80, 130), 254, 255, 256, 257, 511, 512, 65_535, 65_536])
def test_found_whatever_letter_the_length_is(find: Find, length: int, token: Callable[[str], str]) -> None:
    secret = token(f"length {length}")
    for text in (secret.ljust(length, " "), secret.rjust(length, " "), secret.rjust(length - 1, "-") + "-"):
        assert ("github-pat", secret.encode()) in find(compiled("tuple", text))


@pytest.mark.parametrize("shape", ["tuple", "module constant", "used twice", "key in a dict"])
def test_a_length_is_no_part_of_a_token(find: Find, shape: str, token: Callable[[str], str]) -> None:
    secret = token("length")
    text = secret[1:].ljust(ord(secret[0]))  # the first letter of the token is the length of the rest
    data = compiled(shape, text)
    assert secret.encode() in data
    assert find(data) == set()


@pytest.mark.parametrize("version", range(5))
def test_found_in_every_version_of_marshal(find: Find, version: int, token: Callable[[str], str]) -> None:
    secret = token(f"marshal {version}")
    data = (
        MAGIC_NUMBER + bytes(12) + marshal.dumps(("a", secret, {"z": secret}, secret.encode(), "é" + secret), version)
    )
    assert find(data) == {("github-pat", secret.encode())}


def test_each_constant_is_found_in_its_own_place(token: Callable[[str], str]) -> None:
    secrets = [token(f"own {number}") for number in range(50)]
    buffer = bytearray(MAGIC_NUMBER + bytes(12) + marshal.dumps(tuple(secrets)))
    span = Span(Memory("a"), 0, len(buffer), 0, len(buffer))
    matcher = Matcher(load())
    ((span, hits),) = matcher.hits(buffer, len(buffer), [span])
    seen = matcher.look(buffer, span, hits)
    assert seen.binary
    assert [(match.secret_start, match.secret) for match in seen.matches] == [
        (buffer.index(secret.encode()), secret.encode()) for secret in secrets
    ]


NATIVE = {
    "C string": b"\x7fELF\0\0{0}\0\0",
    "C string behind others": b"\0name\0{0}\0value\0",
    "Nuitka, text": b"\0l\x04\0u{0}\0uother\0",
    "Nuitka, attribute": b"\0a{0}\0a__name__\0",
    "mypyc": b"\x02\x04name{1}{0}\x05value\0",
    "mypyc, first": b"\0\0{1}{0}\x05value\0",
    "mypyc, last": b"\0\0\x04name{1}{0}\0\0",
    "mypyc, before a long one": b"\0\0\x04name{1}{0}\x69" + b"value" * 21 + b"\0",
    "Pascal": b"\0{1}{0}\0",
    "key and value": b"\0TOKEN={0}\0",
    "JSON": b'\0\0{"token":"{0}"}\0',
    "SQLite": b"SQLite format 3\0\x10\0\x01\x01{0}\x02\0",
}


@pytest.mark.parametrize("shape", NATIVE)
@pytest.mark.parametrize("name", ["github-pat", "github-fine-grained-pat", "npm-token", "aws-access-key-id"])
def test_found_in_native_code(find: Find, name: str, shape: str) -> None:
    for seed in range(SEEDS):
        token = make(TOKENS[name], f"native {name} {seed}").encode()
        data = NATIVE[shape].replace(b"{0}", token).replace(b"{1}", bytes((len(token),)))
        assert (name, token) in find(data)
