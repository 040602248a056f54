"""`Place`: where some bytes came from, as a chain that a reader can walk."""

from __future__ import annotations

import msgspec

_UNDECODABLE = 0xDC00
"""Added by `os.fsdecode` to a byte that it cannot decode (PEP 383)."""
_ASCII, _BYTE = 0x7F, 0xFF


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step of a provenance chain.

    `kind` is one of the words in the report format (`tree`, `file`, `stdin`, …), `name` what the user would call it,
    already escaped for display.
    """

    kind: str
    name: str
    version: str | None = None
    """Of a distribution, whose `name` here is its file; `project` is what it calls itself."""
    project: str | None = None
    recorded: bool | None = None
    """Of a file in a wheel: whether the wheel's `RECORD` names it."""
    digest: str | None = None
    """Of a layer, as in the image's configuration: `sha256:…`."""
    created_by: str | None = None
    """Of a layer: the step of the Dockerfile that made it."""
    id: str | None = None
    """Of a commit: its full name; `author` and `date` (ISO 8601) go with it."""
    author: str | None = None
    date: str | None = None


class Place(msgspec.Struct, frozen=True):
    """The provenance of a finding.

    `path` joins the chain for machines; `line` and `column` count from 1, `column` in characters (Unicode code points);
    `offset` counts bytes from 0 in the innermost link. Each is None where it has no meaning (a line in a binary).
    """

    path: str
    chain: tuple[Link, ...]
    line: int | None = None
    column: int | None = None
    offset: int | None = None
    removed_in: str | None = None


def escape(name: str) -> str:
    r"""`name` with everything that does not print made visible, so that no name can steer a terminal or break a line.

    Bytes that are no UTF-8 (surrogate escapes of `os.fsdecode`) become `\xNN`; control characters, bidirectional marks
    and other invisible characters become `\n`, `\x1b`, `\u202e`. Text that prints is returned as it is.
    """
    if name.isprintable():
        return name
    return "".join(char if char.isprintable() else _visible(char) for char in name)


def _visible(char: str) -> str:
    byte = ord(char) - _UNDECODABLE
    if _ASCII < byte <= _BYTE:
        return f"\\x{byte:02x}"
    return char.encode("unicode_escape").decode("ascii")
