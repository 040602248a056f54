"""The wheels that pip could install without the network, and a way to unpack what nobody vouches for."""

from __future__ import annotations

import ast
import glob
import lzma
import os
import posixpath
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

MAX_MEMBERS = 50_000
MAX_MEMBER = 256 * 1024 * 1024
MAX_WHEEL = 2 * 1024 * 1024 * 1024
"""Most members of a wheel, bytes of one, and bytes of all: what is beyond stays packed, and is counted."""

_CHUNK = 1024 * 1024
_OPTIONS = ("find-links", "extra-index-url", "index-url")
_UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
"""What reading a member may raise: damaged, encrypted, of an unknown method, or a name that the system refuses."""

_UNSAFE = re.compile(r"\\|\0|\A/|\A[A-Za-z]:|(?:\A|/)\.\.(?:/|\Z)")


def find() -> list[str]:
    """Paths of all wheels in the local folders and indexes that pip is configured for, by name; none twice."""
    found: dict[str, str] = {}
    for folder in _folders():
        for path in _listed(folder):
            if path.endswith(".whl") and os.path.isfile(path):
                found.setdefault(os.path.basename(path), path)
    return [found[name] for name in sorted(found)]


def unpack(wheel: str, folder: str) -> tuple[int, int]:
    """Write the members of `wheel` under `folder`; how many bytes that were, and how many members were left packed.

    Members are written as plain files, whatever they claim to be, and only under names that stay within `folder`. What
    the wheel says about sizes is not believed. A wheel that is no zip counts as one member left.
    """
    written = left = 0
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            for member in members[:MAX_MEMBERS]:
                size = _write(archive, member, folder, min(MAX_MEMBER, MAX_WHEEL - written))
                written += size or 0
                left += size is None
            return written, left + len(members[MAX_MEMBERS:])
    except (OSError, zipfile.BadZipFile):
        return written, left + 1


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: str, limit: int) -> int | None:
    """Bytes written of `member`; None if it has no safe name, is over `limit`, or cannot be read."""
    if _UNSAFE.search(member.filename):
        return None
    path = os.path.join(folder, posixpath.normpath(member.filename))
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(member) as source, open(path, "xb") as sink:
            while sink.tell() <= limit and (chunk := source.read(_CHUNK)):
                sink.write(chunk)
            size = sink.tell()
    except _UNREADABLE:
        return None
    if size <= limit:
        return size
    os.unlink(path)
    return None


def _folders() -> Iterator[str]:
    """Local folders among the places where pip looks for packages."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True)
    if told.returncode:  # an environment made without pip
        told = subprocess.run(["pip", "config", "list"], check=True, capture_output=True, text=True)
    for line in told.stdout.splitlines():
        name, _, value = line.partition("=")
        if name.rpartition(".")[2] in _OPTIONS:
            for place in str(ast.literal_eval(value)).split():  # pip prints the value's repr
                path = _local(place)
                if path and os.path.isdir(path):
                    yield path


def _listed(folder: str) -> Iterator[str]:
    """Wheels in `folder`, and what its pages link to if it is an index: one folder with a page for each project."""
    yield from glob.glob(os.path.join(glob.escape(folder), "*.whl"))
    for page in glob.glob(os.path.join(glob.escape(folder), "*", "index.html")):
        links = _Links()
        with open(page, encoding="utf-8", errors="replace") as file:
            links.feed(file.read())
        for link in links.found:
            if path := _local(urljoin(Path(page).as_uri(), link)):
                yield path


def _local(place: str) -> str | None:
    """The path of a `file:` URL, or of a place that is a path already; None for what is elsewhere."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return url2pathname(parts.path)
    return None if parts.scheme else place


class _Links(HTMLParser):
    """Collects what a page links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]
