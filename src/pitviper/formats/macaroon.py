"""API tokens of the Python package index: macaroons, which say what they may do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random
from uuid import UUID

import msgspec

from pitviper.formats.encoding import base64_bytes, to_base64url, to_json
from pitviper.formats.evidence import expiry, fact
from pitviper.formats.interface import Proof, Verdict
from pitviper.formats.octets import Malformed, Octets, Truncated
from pitviper.model.finding import Evidence, Severity

_INDEX = "pypi" + ".org"
_TEST_INDEX = "test." + _INDEX
_PREFIX = b"pypi-"
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Field types of the binary format, version 2 (libmacaroons, doc/format.txt).
_VERSION = 2
_END, _LOCATION, _IDENTIFIER, _VERIFICATION, _SIGNATURE = 0, 1, 2, 4, 6
_SIGNATURE_SIZE = 32  # bytes of HMAC-SHA256
_MOST_CAVEATS = 64  # holders may add any number; nobody adds more

# Tags of the caveats that `make` writes (pypi/warehouse, Apache-2.0, warehouse/macaroons/caveats).
_PROJECT_NAMES, _USER = 1, 3


class _Macaroon(msgspec.Struct):
    location: bytes = b""
    identifier: bytes = b""
    caveats: list[bytes] = []
    whole: bool = False


class _Scope(msgspec.Struct):
    projects: list[str] = []
    restricted: bool = False
    publisher: bool = False
    expires: object = None


def check(secret: bytes, groups: Mapping[str, bytes]) -> Proof:
    """The macaroon parses, and is of one of the two indexes; evidence tells host, scope and expiry.

    VALID with a signature at its end; UNKNOWN where the text was cut, or goes on behind the signature. An expired token
    is worth LOW; on the main index one for the whole account is worth CRITICAL, and one for some projects HIGH.
    """
    del groups
    try:
        macaroon = _parse(secret)
    except Malformed:
        return Proof(Verdict.INVALID)
    scope = _scope(macaroon.caveats)
    host = macaroon.location.decode()
    expires, severity = expiry(scope.expires)
    if severity is None and host == _INDEX and macaroon.whole:
        severity = Severity.HIGH if scope.restricted else Severity.CRITICAL
    evidence = (Evidence("host", host), *((_described(scope),) if macaroon.whole else ()), *expires)
    return Proof(Verdict.VALID if macaroon.whole else Verdict.UNKNOWN, evidence, severity)


def make(rng: Random, before: str) -> str:
    """A macaroon of the main index: for the whole account, or for one project."""
    del before
    return _make(rng, _INDEX)


def make_test(rng: Random, before: str) -> str:
    """A macaroon of the test index."""
    del before
    return _make(rng, _TEST_INDEX)


def _parse(secret: bytes) -> _Macaroon:
    text = secret.removeprefix(_PREFIX)
    data = Octets(base64_bytes(text[: len(text) - (len(text) % 4 == 1)]) or b"")
    if data.number(1) != _VERSION:
        raise Malformed
    head = _section(data)
    if head.keys() != {_LOCATION, _IDENTIFIER} or head[_LOCATION].decode("ascii", "replace") not in (
        _INDEX,
        _TEST_INDEX,
    ):
        raise Malformed
    if not _UUID.fullmatch(head[_IDENTIFIER]):
        raise Malformed
    macaroon = _Macaroon(head[_LOCATION], head[_IDENTIFIER])
    try:
        _finish(macaroon, data)
    except Truncated:
        macaroon.whole = False
    return macaroon


def _finish(macaroon: _Macaroon, data: Octets) -> None:
    for _ in range(_MOST_CAVEATS):
        caveat = _section(data)
        if not caveat:
            break
        macaroon.caveats.append(caveat.get(_IDENTIFIER, b""))
    kind, signature = _field(data)
    if kind != _SIGNATURE or len(signature) != _SIGNATURE_SIZE:
        raise Malformed
    macaroon.whole = data.left == 0


def _section(data: Octets) -> dict[int, bytes]:
    """Fields in ascending order of type, up to the end of the section."""
    fields: dict[int, bytes] = {}
    while True:
        kind, content = _field(data)
        if kind == _END:
            return fields
        if kind not in (_LOCATION, _IDENTIFIER, _VERIFICATION) or kind <= max(fields, default=0):
            raise Malformed
        fields[kind] = content


def _field(data: Octets) -> tuple[int, bytes]:
    kind = data.number(1)
    return (kind, b"") if kind == _END else (kind, data.take(_varint(data)))


def _varint(data: Octets) -> int:
    number = 0
    for shift in (0, 7, 14):  # 2 MB are more than a match can hold
        byte = data.number(1)
        number |= (byte & 0x7F) << shift
        if byte == byte & 0x7F:
            return number
    raise Malformed


def _scope(caveats: list[bytes]) -> _Scope:
    """What the caveats leave of the owner's rights: arrays with a tag, or the objects that came before them."""
    scope = _Scope()
    for caveat in caveats:
        try:
            value = msgspec.json.decode(caveat)
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue
        match value:
            case [int(tag), *arguments]:
                _restrict(scope, tag, arguments)
            case {"exp": expires}:
                scope.expires = expires
            case {"project_ids": list()}:
                scope.restricted = True
            case {"version": 1, "permissions": {"projects": list(names)}}:
                _restrict(scope, _PROJECT_NAMES, [names])
            case _:
                pass
    return scope


def _restrict(scope: _Scope, tag: int, arguments: list[object]) -> None:
    match tag, arguments:
        case [0, [expires, *_]]:  # Expiration
            scope.expires = expires
        case [1, [list(names), *_]]:  # ProjectName
            scope.restricted = True
            scope.projects.extend(name for name in names if isinstance(name, str))
        case [2, [list(), *_]]:  # ProjectID
            scope.restricted = True
        case [4, _]:  # OIDCPublisher
            scope.restricted = scope.publisher = True
        case _:
            pass


def _described(scope: _Scope) -> Evidence:
    if scope.projects:
        return fact("scope", f"project {', '.join(scope.projects)}")
    if scope.publisher:
        return Evidence("scope", "projects of a trusted publisher")
    return Evidence("scope", "some projects, by id" if scope.restricted else "the whole account")


def _make(rng: Random, host: str) -> str:
    identifier = str(UUID(int=rng.getrandbits(128), version=4)).encode()
    user = str(UUID(int=rng.getrandbits(128), version=4))
    caveats: list[list[object]] = [[_USER, user]]
    if rng.random() < 0.5:  # noqa: PLR2004 - one half
        caveats.insert(0, [_PROJECT_NAMES, [f"acme-{rng.randrange(1000)}"]])
    data = bytes([_VERSION]) + _packed(_LOCATION, host.encode()) + _packed(_IDENTIFIER, identifier) + bytes([_END])
    for caveat in caveats:
        data += _packed(_IDENTIFIER, to_json(caveat)) + bytes([_END])
    return to_base64url(data + bytes([_END]) + _packed(_SIGNATURE, rng.randbytes(_SIGNATURE_SIZE)))


def _packed(kind: int, content: bytes) -> bytes:
    return bytes([kind, len(content)]) + content
