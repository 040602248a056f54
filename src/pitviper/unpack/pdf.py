"""PDF documents: the text of pages and forms, attachments by name, strings, and every other stream unpacked.

All objects of the file are taken, also those that no page shows and that an update replaced. No library renders
anything, nothing in the document runs. Source: ISO 32000-1, 7.3 to 7.11.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest, damaged
from pitviper.unpack.pdf_filters import unfiltered
from pitviper.unpack.pdf_objects import Allowance, Found, Name, Ref, Value, objects, parsed, readable, strings
from pitviper.unpack.pdf_text import Codes, codes, lines
from pitviper.unpack.pieces import reader

_MAGIC = b"%PDF-"
_HEADER = re.compile(rb"%PDF-[12]\.[0-9]\s")
_WITHIN = 1024
"""Bytes within which readers look for the header (ISO 32000-1, Annex H.3, note 13)."""
_MOST = 128 * 1024 * 1024
"""Bytes of a document that is read at once."""
_MOST_DECODED = 16 * 1024 * 1024
"""Bytes of one stream of text, of a font's map or of objects."""
_MOST_PAGES = 10_000
_PATIENCE = 20.0
"""Seconds for the text of one document, some thousand pages; what is beyond is searched unpacked, not as text."""
_MOST_READ = 96 * 1024 * 1024
"""What reading objects may cost (see `Allowance`): some 200 MiB of memory, some seconds."""
_MOST_OF_PAGE = 32 * 1024 * 1024
"""What reading a page may cost (as above): a book of a thousand pages in one, or 3 seconds."""
_MOST_TRAILER = 1024 * 1024
_MOST_IN_STREAM = 100_000
"""Objects in a stream of objects; those who write them take some hundred."""
_FEW = 64
"""Filters of one stream, or steps of a chain of references."""


def begins(head: bytes, tail: bytes) -> bool:
    """The header line, in front or behind a little else."""
    del tail
    return head.startswith(_MAGIC) or _HEADER.search(head, 0, _WITHIN) is not None


def members(data: Data, options: Options) -> Iterator[Item]:
    """Pages in order, forms, strings that are encoded, then all other streams, and what lies around them."""
    del options
    if data.size > _MOST:
        raise Refused(Reason.OVER_BUDGET, f"a document of {data.size:,} bytes: searched without being unpacked")
    document = _Document(data)
    if document.is_encrypted:
        yield Member("(content)", reason=Reason.ENCRYPTED, detail="encrypted, which is not supported for PDF")
        yield Rest(0, data.size)
        return
    for number, page in enumerate(document.pages(), 1):
        yield Member(str(number), read=reader(document.text_of_page(page)), kind="page")
    for form in document.forms():
        yield Member(f"{form.number} (form)", read=reader(document.text_of_form(form)), kind="page")
    yield Member("(strings)", read=reader(document.strings()))
    yield from document.streams()
    yield from document.between()
    if document.problem:
        raise document.problem


class _Document:
    """The objects of a file."""

    def __init__(self, data: Data) -> None:
        self._data = data
        raw = data.read(0, data.size)
        self._allowance = Allowance(_MOST_READ)
        self._found = list(objects(raw, self._allowance))
        self._values: dict[int, Value] = {}
        self._streams: dict[int, Found] = {}
        self._told: set[int] = set()
        """Where the streams begin that were told as text."""
        self._fonts: dict[int, Codes] = {}
        self._ends = time.monotonic() + _PATIENCE
        self.problem = None if b"%%EOF" in raw[-2048:] else damaged("it has no end: cut short, perhaps")
        self.is_encrypted = b"/Encrypt" in raw and self._encrypted(raw)
        for found in self._found:
            self._values[found.number] = found.value
            if found.end > found.start:
                self._streams[found.number] = found
        self._inner = [] if self.is_encrypted else list(self._packed())
        if self._allowance.left <= 0:
            self._too_much("it has too many objects: those behind them were searched as they are")

    def _encrypted(self, raw: bytes) -> bool:
        """Whether a trailer, or a stream of references, says so."""
        trailers = [found.value for found in self._found]
        position = 0
        while len(trailers) < len(self._found) + _FEW and (position := raw.find(b"trailer", position)) >= 0:
            value, _, position = parsed(raw, position + 7, Allowance(_MOST_TRAILER))
            trailers.append(value)
        return any(isinstance(one, dict) and "Encrypt" in one and "Root" in one for one in trailers)

    def _packed(self) -> Iterator[Value]:
        """The objects in streams of objects, entered by their number unless the file has them itself."""
        allowance = self._allowance
        for found in self._found:
            holder = _dict(found.value)
            if holder.get("Type") != "ObjStm":
                continue
            if allowance.left <= 0:
                return
            raw = self._decoded(found)
            allowance.left -= len(raw) // 8  # to unpack is fast
            count, first = holder.get("N"), holder.get("First")
            if not isinstance(count, int) or not isinstance(first, int):
                continue
            words = raw[: max(0, first)].split(None, 2 * max(0, min(count, _MOST_IN_STREAM)))
            numbers = [int(word) for word in words if word.isdigit() and len(word) < _FEW]
            offsets = numbers[1 : 2 * count : 2]
            for number, offset, end in zip(numbers[::2], offsets, [*offsets[1:], len(raw)], strict=False):
                if allowance.left <= 0:
                    break
                piece = raw[first + offset : first + end if end > offset else None]
                allowance.left -= len(piece)
                allowance.stop = -1
                value = parsed(piece, 0, allowance)[0]
                self._values.setdefault(number, value)
                yield value

    def value(self, value: Value) -> Value:
        """`value`, or what it refers to."""
        for _ in range(_FEW):
            if not isinstance(value, Ref):
                return value
            value = self._values.get(value.number)
        return None

    def _get(self, holder: Value, *names: str) -> Value:
        for name in names:
            holder = self.value(_dict(self.value(holder)).get(name))
        return holder

    def pages(self) -> Iterator[tuple[Value, Value]]:
        """The pages with their resources: those of the tree in its order, then those that stand in no tree."""
        seen: set[int] = set()
        roots = [value for value in self._all() if _dict(value).get("Type") == "Catalog"]
        stack: list[tuple[Value, Value]] = [(_dict(root).get("Pages"), None) for root in roots[-1:]]
        others = ((value, None) for value in self._all() if _dict(value).get("Type") == "Page")
        while len(seen) < _MOST_PAGES * 2:
            node, inherited = stack.pop() if stack else next(others, (None, None))
            page = self.value(node)
            if not isinstance(page, dict):
                if node is None and not stack:
                    return
                continue
            if id(page) in seen:
                continue
            seen.add(id(page))
            resources = page.get("Resources", inherited)
            if "Kids" in page:
                kids = self.value(page["Kids"])
                stack += [(kid, resources) for kid in reversed(kids)] if isinstance(kids, list) else []
            else:
                yield page, resources

    def _all(self) -> Iterator[Value]:
        yield from (found.value for found in self._found)
        yield from self._inner

    def text_of_page(self, page: tuple[Value, Value]) -> Iterator[bytes]:
        """The lines of a page."""
        holder, resources = page
        contents = _dict(holder).get("Contents")
        listed = self.value(contents)
        refs = listed if isinstance(listed, list) else [contents]
        streams = [self._streams[ref.number] for ref in refs if isinstance(ref, Ref) and ref.number in self._streams]
        yield from self._text(streams, resources)

    def forms(self) -> Iterator[Found]:
        """The streams that are text like pages, to be placed on them."""
        return (
            found for found in self._found if _dict(found.value).get("Subtype") == "Form" and found.end > found.start
        )

    def text_of_form(self, form: Found) -> Iterator[bytes]:
        """The lines of a form."""
        yield from self._text([form], _dict(form.value).get("Resources"))

    def _text(self, streams: list[Found], resources: Value) -> Iterator[bytes]:
        if time.monotonic() > self._ends:
            self._too_much(f"its text takes more than {_PATIENCE:.0f} s to read; it was searched unpacked")
            return
        by_start = {found.start: found for found in streams if found.start not in self._told}
        content = b""
        streams = []
        for found in by_start.values():
            if len(content) < _MOST_DECODED:  # the others are told as streams
                content += self._decoded(found) + b"\n"
                streams.append(found)
        fonts = {name: self._codes(font) for name, font in _dict(self._get(resources, "Font")).items()}
        allowance = Allowance(_MOST_OF_PAGE)
        for line in lines(content, fonts, allowance):
            yield line.encode("utf-8", "replace") + b"\n"
        if allowance.left <= 0:
            self._too_much("a page has too much text; it was searched unpacked")
            return
        self._told |= {found.start for found in streams}

    def _too_much(self, detail: str) -> None:
        self.problem = self.problem or Refused(Reason.OVER_BUDGET, detail)

    def _codes(self, font: Value) -> Codes:
        ref = _dict(self.value(font)).get("ToUnicode")
        if not isinstance(ref, Ref) or ref.number not in self._streams:
            return Codes()
        if ref.number not in self._fonts:
            self._fonts[ref.number] = codes(self._decoded(self._streams[ref.number]))
        return self._fonts[ref.number]

    def strings(self) -> Iterator[bytes]:
        """The strings that do not stand in the file as they are."""
        for found in self._found:
            yield from (_line(text) for text in strings(found.value) if not text.plain)
        for value in self._inner:
            yield from (_line(text) for text in strings(value))

    def streams(self) -> Iterator[Member]:
        """All streams that were not told as text."""
        names = self._names()
        for found in self._found:
            if found.end > found.start and found.start not in self._told:
                name = names.get(found.number) or f"stream {found.number}"
                part = self._data.part(found.start, found.end - found.start)
                filters = self._filters(found.value)
                read = self._unpacked(found)
                if read is None:
                    detail = f"stream {found.number}: packed in a way that is not supported ({', '.join(filters)})"
                    self.problem = self.problem or Refused(Reason.UNSUPPORTED, detail)
                yield Member(escape(name), read=read) if filters and read else Member(escape(name), data=part)

    def _names(self) -> dict[int, str]:
        """The names of attachments by the number of their stream."""
        names: dict[int, str] = {}
        for value in self._all():
            files = self.value(_dict(value).get("EF"))
            name = _dict(value).get("UF") or _dict(value).get("F")
            if isinstance(files, dict) and isinstance(name, bytes):
                names.update((ref.number, readable(name)) for ref in files.values() if isinstance(ref, Ref))
        return names

    def between(self) -> Iterator[Rest]:
        """What lies around streams."""
        position = 0
        for found in self._found:
            if found.end > found.start:
                yield Rest(position, found.start - position)
                position = found.end
        if position < self._data.size:
            yield Rest(position, self._data.size - position)

    def _filters(self, value: Value) -> list[str]:
        filters = self._get(value, "Filter")
        listed = filters if isinstance(filters, list) else [filters]
        return [str(name) for name in map(self.value, listed[:_FEW]) if isinstance(name, Name)]

    def _unpacked(self, found: Found) -> Reader | None:
        """A reader of what comes out of a stream; None if it is packed in a way that is not known."""
        packed = Cursor(self._data.part(found.start, found.end - found.start)).read
        options = self._get(found.value, "DecodeParms")
        listed = options if isinstance(options, list) else [options]
        is_late = any(self._get(one, "EarlyChange") == 0 for one in listed[:_FEW])
        return unfiltered(self._filters(found.value), packed, is_late=is_late)

    def _decoded(self, found: Found) -> bytes:
        """What comes out of a stream, as far as it does."""
        read = self._unpacked(found)
        pieces: list[bytes] = []
        left = _MOST_DECODED
        try:
            while left > 0 and read and (piece := read(left)):
                pieces.append(piece)
                left -= len(piece)
        except Exception as error:  # noqa: BLE001 - libraries raise what they like
            self.problem = self.problem or damaged(f"stream {found.number}: {error}")
        if not left:
            self.problem = self.problem or Refused(Reason.OVER_BUDGET, f"stream {found.number}: its text is too long")
        return b"".join(pieces)


def _dict(value: Value) -> dict[str, Value]:
    return value if isinstance(value, dict) else {}


def _line(text: bytes) -> bytes:
    return readable(text).encode("utf-8", "replace") + b"\n"


FORMAT = Format("a PDF document", _MAGIC[:1], begins, members, kind="file")
