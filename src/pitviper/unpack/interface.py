"""What a Format is: it recognises a container by its first bytes, and yields the members in it.

A format knows its own layout and nothing else. How much may be read, how deep containers may lie in each other, what
becomes of damage, and what is searched: all that is decided in `walk`, so that no format can forget it. So a format
reads what it needs, gives each member a way to be read, and raises where it cannot go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason

HEAD = 2048
TAIL = 22
"""Bytes by which a format is recognised: a tar archive has its mark at 257, an image its first member's name behind an
extended header of 1024, a zip archive its end record at the end."""

BEHIND = "(behind the end)"
"""The name of what follows where a container ends: a second one, or something that was to be hidden."""

FRONT = "(in front)"
"""The name of what stands in front of a container: one that comes first."""


class Member(msgspec.Struct):
    """Something in a container: a file, a page, a cell.

    `name` is escaped for display. What it holds is `content`, if that is small and at hand; or `data`, where it lies in
    the container as it is; else what `read` gives, which is valid until the next member is asked for. `kind` and
    `facts` become fields of its link in the chain. `inherits`: the member is all there is in the container (what a
    `.gz` holds), and if it is a container in turn, its members count as those of the outer one. `opens` is the format
    to ask first whether it is one, before all that are in the table. `removed_in` names the later layer of an image in
    which it is gone. `reason` and `detail` tell why there is nothing to read.
    """

    name: str
    read: Reader | None = None
    data: Data | None = None
    content: bytes | None = None
    kind: str = "file"
    facts: dict[str, Any] = {}
    inherits: bool = False
    opens: Format | None = None
    removed_in: str | None = None
    reason: Reason | None = None
    detail: str = ""


class Rest(msgspec.Struct):
    """Bytes of the container itself that belong to no member, to be searched as they are."""

    offset: int
    size: int


class Identity(msgspec.Struct):
    """What the container turned out to be: told before its members. `kind` and `facts` as for `Member`.

    `only_named`: it is that only if its own name without suffixes is this.
    """

    kind: str
    facts: dict[str, Any] = {}
    only_named: str = ""


class Options(msgspec.Struct, frozen=True):
    """What a user may say about opening: see the fields of the same names in `pitviper.config.Settings`."""

    max_depth: int = 16
    max_members: int = 1_000_000
    max_expanded: int = 64 * 1024**3
    archive_password: tuple[str, ...] = ()


Item = Member | Rest | Identity


class Format(msgspec.Struct, frozen=True):
    """One kind of container.

    `leads` are the bytes that it may begin with (all, if empty). `begins` is asked with the first `HEAD` bytes and the
    last `TAIL` (none where the end is not known yet). `members` gets a `Cursor` if the format is one that `streams`,
    that is, can be read from front to back; else `Data`. What it raises becomes a Gap: `Refused` says why, and all that
    libraries raise on broken data counts as damage.
    """

    name: str
    leads: bytes
    begins: Callable[[bytes, bytes], bool]
    members: Callable[[Any, Options], Iterator[Item]]
    streams: bool = False
    kind: str = "archive"


class Refused(Exception):  # noqa: N818 - not an error of the program
    """A container, or a member, that cannot be opened, and why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def damaged(detail: str) -> Refused:
    """`Refused` because the bytes are not what they should be."""
    return Refused(Reason.DAMAGED, detail)


def locked(passwords: Sequence[str]) -> Refused:
    """`Refused` because none of `passwords` fits."""
    detail = "no --archive-password fits" if passwords else "encrypted: give --archive-password"
    return Refused(Reason.ENCRYPTED, detail)


__all__ = [
    "BEHIND",
    "FRONT",
    "HEAD",
    "TAIL",
    "Cursor",
    "Data",
    "Format",
    "Identity",
    "Item",
    "Member",
    "Options",
    "Reader",
    "Refused",
    "Rest",
    "damaged",
    "locked",
]
