"""The table of formats."""

from __future__ import annotations

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
)
from pitviper.unpack.interface import Format
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
    return zip_archive.FORMAT if zip_archive.begins(head, tail) else None


def behind(data: Data) -> Format | None:
    """The format of a container that ends `data`, whatever stands in front of it."""
    return zip_archive.FORMAT if may_end(data) and zip_archive.ends(data) else None
