"""The table of formats."""

from __future__ import annotations

from collections.abc import Iterator

from pitviper.bytecode import pyc
from pitviper.engine.data import Data
from pitviper.unpack import (
    ar,
    cab,
    compressed,
    cpio,
    executable,
    html,
    image,
    iso,
    mail,
    notebook,
    nuitka,
    office,
    pdf,
    pickled,
    pyinstaller,
    seven_zip,
    sqlite,
    tar,
    unsupported,
    zip_archive,
    zip_headers,
)
from pitviper.unpack.interface import HEAD, Format
from pitviper.unpack.leads import may_end

FORMATS: tuple[Format, ...] = (
    zip_archive.FORMAT,
    *compressed.FORMATS,
    ar.FORMAT,
    *cpio.FORMATS,
    notebook.FORMAT,
    sqlite.FORMAT,
    pdf.FORMAT,
    mail.FORMAT,
    iso.FORMAT,
    seven_zip.FORMAT,
    cab.FORMAT,
    executable.FORMAT,
    nuitka.FORMAT,
    pyinstaller.FORMAT,
    *pickled.FORMATS,
    html.FORMAT,
    office.FORMAT,
    *unsupported.FORMATS,
    image.FORMAT,
    tar.FORMAT,
)
"""All formats, in the order in which they are asked."""

_ANYWHERE = (compressed.LZMA, pdf.FORMAT)
"""Formats that may begin with other bytes than their usual leads."""

_BY_LEAD = {lead: tuple(known for known in FORMATS if not known.leads or lead in known.leads) for lead in range(256)}


def recognise(head: bytes, tail: bytes) -> Format | None:
    """The format of a container with these first (at most `HEAD`) and last (at most `TAIL`) bytes, if it is one.

    A zip archive may begin with anything: its end counts where the beginning is none, so that the end of an archive
    whose last member is one does not.
    """
    if not head:
        return None
    for known in _BY_LEAD[head[0]]:
        if known.begins(head, tail if known is not zip_archive.FORMAT else b""):
            return known
    if zip_archive.begins(head, tail):
        return zip_archive.FORMAT
    return next((known for known in _ANYWHERE if known.begins(head, tail)), None)


def behind(data: Data) -> Format | None:
    """The format of a container that `data` is, whatever stands in front of what it is known by.

    In compiled Python with nothing behind its code, what looks like one are constants: of a test of zip archives.
    """
    if not may_end(data) or (pyc.begins(data.read(0, pyc.HEAD)) and pyc.is_whole(data.read(0, data.size))):
        return None
    return zip_archive.FORMAT if zip_headers.ends(data) else iso.FORMAT if iso.is_one(data) else None


def others(data: Data, found: Format) -> Iterator[Format]:
    """What else `data` is, which was opened as `found`: each opens with the tools of its own.

    A PDF document may have a zip archive behind it, a tar archive a first member named like the beginning of HTML. What
    is read from front to back tells of what follows its end itself, as do tar archives, images and layers among them.
    """
    if found in (image.FORMAT, tar.FORMAT, zip_archive.FORMAT) or found not in FORMATS:
        return
    if tar.begins(data.read(0, HEAD), b""):
        yield tar.FORMAT
    if not found.streams and may_end(data) and zip_headers.ends(data):
        yield zip_archive.FORMAT
