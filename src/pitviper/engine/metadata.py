"""What distributions say of themselves: their name and version, and the files that belong to them.

Both stand in text that a stranger wrote: it is read up to a bound, and nothing in it is believed beyond what it says.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from email.parser import HeaderParser

from pitviper.model.place import escape

METADATA = 64 * 1024
"""Bytes of a METADATA or PKG-INFO that are read: name and version stand among the first of its headers."""
RECORD = 32 * 1024 * 1024
"""Bytes of a RECORD that are read: one of 30,000 files has about 4 MB."""
_LONGEST = 128
"""Characters of a name or a version that are told."""


def project_and_version(metadata: bytes) -> tuple[str, str]:
    """What the headers of a METADATA or PKG-INFO call the distribution; "" for what they do not say."""
    text = metadata[:METADATA].decode("utf-8", "surrogateescape").replace("\r\n", "\n").lstrip("\ufeff")
    headers = HeaderParser().parsestr(text.partition("\n\n")[0])
    return _word(headers["Name"]), _word(headers["Version"])


def recorded(record: bytes) -> Iterator[str]:
    """The names that a RECORD holds, escaped for display as those of members are. Raises `csv.Error`."""
    text = record[:RECORD].decode("utf-8", "surrogateescape")
    for row in csv.reader(text.splitlines()):
        if row:
            yield escape(row[0].replace("\\", "/"))


def _word(value: object) -> str:
    return "" if value is None else escape(str(value).strip()[:_LONGEST])
