"""DER (ITU-T X.690): just enough to walk private keys, within bounds."""

from __future__ import annotations

from pitviper.formats.octets import Malformed, Octets

INTEGER, OCTETS, OID, SEQUENCE = 0x02, 0x04, 0x06, 0x30
CONTEXT_0 = 0xA0  # the element that a structure calls [0]

_LONG_FORM = 0x80
_MOST_LENGTH = 4  # bytes: keys are far smaller than 4 GB
_MOST_CHILDREN = 64  # an RSA key with many primes has a dozen
_HIGH_TAG = 0x1F
_MOST_OID = 64  # bytes


def element(data: Octets) -> tuple[int, bytes]:
    """Tag and content of the next element; raises `Malformed` or `Truncated`."""
    tag = data.number(1)
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise Malformed
    length = data.number(1)
    if length & _LONG_FORM:
        size = length ^ _LONG_FORM
        if not 0 < size <= _MOST_LENGTH:
            raise Malformed
        length = data.number(size)
    return tag, data.take(length)


def children(content: bytes) -> list[tuple[int, bytes]]:
    """The elements that `content` is made of; raises `Malformed` where it is not, or has more than 64."""
    data = Octets(content)
    found: list[tuple[int, bytes]] = []
    while data.left:
        if len(found) == _MOST_CHILDREN:
            raise Malformed
        found.append(element(data))
    return found


def sequence(encoded: bytes) -> list[tuple[int, bytes]]:
    """The elements of the SEQUENCE that `encoded` is, and nothing behind it; raises `Malformed` or `Truncated`."""
    if encoded[:1] != bytes([SEQUENCE]):  # before anything is read: text has no end to miss
        raise Malformed
    data = Octets(encoded)
    _, content = element(data)
    if data.left:
        raise Malformed
    return children(content)


def number(content: bytes) -> int:
    """The value of an INTEGER; raises `Malformed` where it is empty."""
    if not content:
        raise Malformed
    return int.from_bytes(content, "big", signed=True)


def dotted(content: bytes) -> str:
    """An OBJECT IDENTIFIER as `1.2.840.113549`; raises `Malformed` where it is empty or unfinished."""
    if not content or content[-1] & _LONG_FORM or len(content) > _MOST_OID:
        raise Malformed
    arcs, arc = [], 0
    for byte in content:
        arc = arc << 7 | byte & ~_LONG_FORM
        if not byte & _LONG_FORM:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def encoded(tag: int, content: bytes) -> bytes:
    """An element of `tag` with `content`."""
    size = len(content)
    if size < _LONG_FORM:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + content


def encoded_number(value: int) -> bytes:
    """An INTEGER of `value`, which is not negative."""
    return encoded(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))
