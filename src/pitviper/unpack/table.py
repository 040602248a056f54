"""The table of formats."""

from __future__ import annotations

from pitviper.unpack import ar, compressed, cpio, image, mail, notebook, pdf, sqlite, tar, unsupported, zip_archive
from pitviper.unpack.interface import HEAD, TAIL, Format

FORMATS: tuple[Format, ...] = (
    zip_archive.FORMAT,
    *compressed.FORMATS,
    ar.FORMAT,
    *cpio.FORMATS,
    notebook.FORMAT,
    sqlite.FORMAT,
    pdf.FORMAT,
    mail.FORMAT,
    *unsupported.FORMATS,
    image.FORMAT,
    tar.FORMAT,
)
"""All formats, in the order in which they are asked."""

_LEADS = frozenset(lead for known in FORMATS for lead in known.leads)
_BY_LEAD = {lead: tuple(known for known in FORMATS if not known.leads or lead in known.leads) for lead in range(256)}
_ZIP_END = ord("P")
_TAR, _TAR_NAME_ENDS = 512, 100


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


def may_begin(data: bytearray, start: int, end: int) -> bool:
    """Whether `data[start:end]` is worth asking `recognise`. Runs for every file: a few bytes must do."""
    size = end - start
    return size >= TAIL and (
        data[start] in _LEADS
        or data[end - TAIL] == _ZIP_END
        or (size >= _TAR and data[start + _TAR_NAME_ENDS : start + _TAR_NAME_ENDS + 6].isdigit())
    )


def sample(data: bytearray, start: int, end: int) -> tuple[bytes, bytes]:
    """The first and last bytes of `data[start:end]`, as `recognise` wants them."""
    return bytes(data[start : min(end, start + HEAD)]), bytes(data[max(start, end - TAIL) : end])
