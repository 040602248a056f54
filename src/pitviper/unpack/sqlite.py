"""SQLite databases: each table as lines `column = "value"`, its indexes, containers in its BLOBs, and all free space.

Pages are read here, not by SQLite, which would run what the schema says. Each page counts once, so that no cycle and
no shared page costs more than the file has bytes. Deleted rows stay in free space, which is searched as it is, as are
pages that make no sense. Source: SQLite, "Database File Format".
"""

from __future__ import annotations

import itertools
import re
import struct
import time
from collections.abc import Iterator

import msgspec

from pitviper.engine.data import Data, Memory
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack.interface import HEAD, TAIL, Format, Item, Member, Options, Refused, Rest, damaged
from pitviper.unpack.pieces import reader

_MAGIC = b"SQLite format 3\0"
_FIRST = 100
"""Bytes of the file's header, in front of the first page's own."""
_INDEX_INNER, _TABLE_INNER, _INDEX_LEAF, _TABLE_LEAF = 2, 5, 10, 13
_INNER = (_INDEX_INNER, _TABLE_INNER)
_CODECS = {2: "utf-16-le", 3: "utf-16-be"}
_NUMBERS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)
"""Bytes of a value by its serial type; from 12 on, even ones are BLOBs and odd ones text."""
_BLOB, _TEXT = 12, 13
_SMALLEST, _LARGEST = 512, 65536
_MOST_PAYLOAD = 64 * 1024 * 1024
_MOST_COLUMNS = 32_767
"""Of a table, as SQLite itself allows."""
_MOST_RESTS = 100_000
_MOST_FILES = 100_000
_PATIENCE = 60.0
"""Seconds for the rows of one database, which is some hundred megabytes; what is beyond is searched as it is."""
_LEAST = 8
"""Bytes of free space that are worth a look."""
_NAMING = frozenset((b"key", b"name", b"setting", b"option", b"variable", b"parameter", b"k", b"config_key"))
_NAMED = frozenset((b"value", b"val", b"v", b"data", b"content", b"config_value"))
"""Columns that name what the next one holds: then its line is `name = "value"`."""
_LONGEST_NAME = 64
_WORD = re.compile(r"\"[^\"]*\"|\[[^\]]*\]|`[^`]*`|'[^']*'|--[^\n]*|/\*.*?\*/|[(),]|[^\s(),\"\[`']+", re.DOTALL)
_NO_COLUMNS = frozenset(("constraint", "primary", "unique", "check", "foreign"))

Value = tuple[int, bytes]
"""A serial type, and the bytes."""


class _Table(msgspec.Struct):
    name: str
    root: int
    columns: list[bytes]


def begins(head: bytes, tail: bytes) -> bool:
    """The magic string of version 3."""
    del tail
    return head.startswith(_MAGIC)


def members(data: Data, options: Options) -> Iterator[Item]:
    """The schema, tables and indexes, then what belongs to none."""
    del options
    base = _Database(data)
    schema = list(base.rows(1))
    tables = list(_tables(base, schema))
    yield from _members(base, _Table("sqlite_schema", 0, [b"type", b"name", b"tbl_name", b"rootpage", b"sql"]), schema)
    for table in tables:
        yield from _members(base, table, base.rows(table.root))
    yield from base.rests()
    if base.problem:
        raise Refused(*base.problem)


def _members(base: _Database, table: _Table, rows: Iterator[_Row] | list[_Row]) -> Iterator[Member]:
    """The text of a table, and the containers in its BLOBs."""
    files: list[_Row] = []
    yield Member(escape(table.name), read=reader(_text(base, table, iter(rows), files)), kind="table")
    for row in files:
        for number, (_, content) in _containers(base.again(row)):
            column = _column(table, number).decode("utf-8", "replace")
            yield Member(escape(f"{table.name}/{row.id}/{column}"), data=Memory(content))


class _Row(msgspec.Struct):
    """A cell: where it lies, its id, and its values; some are dropped when they were searched."""

    page: int
    offset: int
    id: int
    values: list[Value]


class _Database:
    """Reads pages, each once."""

    def __init__(self, data: Data) -> None:
        header = data.read(0, _FIRST)
        if len(header) < _FIRST:
            raise damaged("it ends in its header")
        size = int.from_bytes(header[16:18], "big")
        self._size = _LARGEST if size == 1 else size
        if self._size < _SMALLEST or self._size & self._size - 1:
            raise damaged(f"pages of {self._size} bytes")
        self._usable = self._size - header[20]
        self.codec = _CODECS.get(int.from_bytes(header[56:60], "big"))
        self._data = data
        self._count = -(-data.size // self._size)
        self._touched = bytearray(self._count + 1)
        self._covered = bytearray(self._count + 1)
        self._free: list[tuple[int, int]] = []
        self._ends = time.monotonic() + _PATIENCE
        self.problem: tuple[Reason, str] | None = None

    def rows(self, root: int) -> Iterator[_Row]:
        """The rows of the tree whose first page is `root`, in order. What is wrong with it becomes `problem`."""
        stack = [root]
        while stack:
            number = stack.pop()
            if time.monotonic() > self._ends:
                self._trouble(f"its rows take more than {_PATIENCE:.0f} s to read", Reason.OVER_BUDGET)
                return
            try:
                below, rows = self._page(number)
            except (IndexError, ValueError, struct.error) as error:
                self._trouble(f"page {number:,}: {error}")
                continue
            stack += reversed(below)
            yield from rows

    def again(self, row: _Row) -> list[Value]:
        """The values of `row`, read once more."""
        page = self._read(row.page)
        return self._cell(page, page[self._start(row.page)], (row.page, row.offset), None)[0].values

    def rests(self) -> Iterator[Rest]:
        """What lies between cells and behind them, and in pages that belong to no tree."""
        size = self._size
        pages = [(number * size, size) for number in range(self._count) if not self._covered[number + 1]]
        if len(self._free) + len(pages) > _MOST_RESTS:
            yield Rest(0, self._data.size)
            return
        start = end = 0
        for offset, length in sorted(self._free + pages):
            if offset > end:
                if end > start:
                    yield Rest(start, end - start)
                start = offset
            end = max(end, offset + length)
        if end > start:
            yield Rest(start, min(end, self._data.size) - start)

    def _page(self, number: int) -> tuple[list[int], list[_Row]]:
        """The pages below a page, and the rows on it. Nothing of it is covered where something makes no sense."""
        page = self._touch(number)
        start = self._start(number)
        kind = page[start]
        if kind not in (*_INNER, _INDEX_LEAF, _TABLE_LEAF):
            raise ValueError("it is no page of a tree")
        count = int.from_bytes(page[start + 3 : start + 5], "big")
        array = start + (12 if kind in _INNER else 8)
        chains: list[tuple[int, int]] = []
        below: list[int] = []
        rows: list[_Row] = []
        cells = [(0, array + 2 * count)]
        left = self._size
        for offset in struct.unpack_from(f">{count}H", page, array):
            if kind in _INNER:
                below.append(int.from_bytes(page[offset : offset + 4], "big"))
            if kind == _TABLE_INNER:
                cells.append((offset, _varint(page, offset + 4)[1]))
                continue
            row, end = self._cell(page, kind, (number, offset), chains)
            left -= end - offset
            if left < 0:
                raise ValueError("its cells lie in each other")
            rows.append(row)
            cells.append((offset, end))
        if kind in _INNER:
            below.append(int.from_bytes(page[start + 8 : start + 12], "big"))
        self._cover(number, page, cells)
        for following, used in chains:
            self._cover(following, None, [(0, used)])
        return below, rows

    def _cell(
        self, page: bytes, kind: int, place: tuple[int, int], chains: list[tuple[int, int]] | None
    ) -> tuple[_Row, int]:
        """The row in the cell at `place`, and where the cell ends. Its overflow pages and their use go to `chains`."""
        number, offset = place
        size, position = _varint(page, offset + (4 if kind == _INDEX_INNER else 0))
        identity = 0
        if kind == _TABLE_LEAF:
            identity, position = _varint(page, position)
        if size > min(self._data.size, _MOST_PAYLOAD):
            raise ValueError(f"a row of {size:,} bytes")
        local = self._local(size, is_table=kind == _TABLE_LEAF)
        payload, end = page[position : position + local], position + local
        if local < size:
            following = int.from_bytes(page[end : end + 4], "big")
            payload, end = payload + self._overflow(following, size - local, chains), end + 4
        if len(payload) < size or end > self._size:
            raise ValueError("a row is cut short")
        return _Row(number, offset, identity, _values(payload)), end

    def _local(self, size: int, *, is_table: bool) -> int:
        """How many bytes of a payload lie in the cell itself."""
        usable = self._usable
        most = usable - 35 if is_table else (usable - 12) * 64 // 255 - 23
        if size <= most:
            return size
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        return local if local <= most else least

    def _overflow(self, number: int, size: int, chains: list[tuple[int, int]] | None) -> bytes:
        """`size` bytes of the chain that begins at the page `number`. Without `chains`, it was read before."""
        pieces = []
        while size > 0:
            page = self._read(number) if chains is None else self._touch(number)
            used = min(size, self._usable - 4)
            pieces.append(page[4 : 4 + used])
            if chains is not None:
                chains.append((number, 4 + used))
            number = int.from_bytes(page[:4], "big")
            size -= used
        return b"".join(pieces)

    def _touch(self, number: int) -> bytes:
        """A page that nobody asked for before."""
        page = self._read(number)
        if self._touched[number]:
            raise ValueError("it has two uses")
        self._touched[number] = 1
        return page

    def _read(self, number: int) -> bytes:
        if not 0 < number <= self._count:
            raise ValueError("there is no such page")
        page = self._data.read((number - 1) * self._size, self._size)
        return page if len(page) == self._size else page.ljust(self._size, b"\0")

    def _cover(self, number: int, page: bytes | None, used: list[tuple[int, int]]) -> None:
        """The page makes sense. What lies between its `used` parts goes to the free space."""
        self._covered[number] = 1
        page = page or self._read(number)
        base, position = (number - 1) * self._size, 0
        for start, end in (*sorted(used), (self._size, self._size)):
            if start - position >= _LEAST and page[position:start].strip(b"\0"):
                self._free.append((base + position, start - position))
            position = max(position, end)

    def _start(self, number: int) -> int:
        return _FIRST if number == 1 else 0

    def _trouble(self, detail: str, reason: Reason = Reason.DAMAGED) -> None:
        self.problem = self.problem or (reason, f"{detail}; it was searched as it is")


def _varint(page: bytes, position: int) -> tuple[int, int]:
    """A number of up to 64 bits in 1 to 9 bytes, and where it ends."""
    number = page[position]
    if number < 0x80:  # noqa: PLR2004 - nearly always
        return number, position + 1
    number &= 0x7F
    for index in range(position + 1, position + 8):
        byte = page[index]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - as above
            return number, index + 1
    return number << 8 | page[position + 8], position + 9


def _values(payload: bytes) -> list[Value]:
    """The values of a record, each with its serial type."""
    end, position = _varint(payload, 0)
    if end > len(payload):
        raise ValueError("a row's header is longer than the row")
    values: list[Value] = []
    start = end
    while position < end:
        if len(values) == _MOST_COLUMNS:
            raise ValueError("a row has too many columns")
        kind, position = _varint(payload, position)
        size = _NUMBERS[kind] if kind < _BLOB else (kind - _BLOB) // 2
        values.append((kind, payload[start : start + size]))
        start += size
    if start > len(payload):
        raise ValueError("a row's values are longer than the row")
    return values


def _text(base: _Database, table: _Table, rows: Iterator[_Row], files: list[_Row]) -> Iterator[bytes]:
    """The text of `rows`, a line for each value. Rows with containers go to `files` and are told without them."""
    named = _named(table.columns)
    for row in rows:
        found = [number for number, _ in _containers(row.values)] if len(files) < _MOST_FILES else []
        if found:
            files.append(row)
        lines = []
        for number, (kind, content) in enumerate(row.values):
            if kind < _BLOB or not content or number in found:
                continue
            if base.codec and kind & 1:
                content = content.decode(base.codec, "replace").encode("utf-8", "replace")  # noqa: PLW2901 - the same
            name = row.values[number - 1][1] if number == named else b""
            name = _utf8(base, name) if 0 < len(name) < _LONGEST_NAME else _column(table, number)
            lines.append(b'%s = "%s"\n' % (name, content))
        row.values = []
        if lines:
            yield b"".join(lines)


def _named(columns: list[bytes]) -> int:
    """The column that holds what the one before it names; -1 if there is none."""
    lower = [name.lower() for name in columns]
    pairs = enumerate(itertools.pairwise(lower), 1)
    return next((number for number, (name, value) in pairs if name in _NAMING and value in _NAMED), -1)


def _utf8(base: _Database, text: bytes) -> bytes:
    return text.decode(base.codec, "replace").encode("utf-8", "replace") if base.codec else text


def _containers(values: list[Value]) -> Iterator[tuple[int, Value]]:
    """Those values that are containers."""
    from pitviper.unpack.table import recognise  # noqa: PLC0415 - it knows this module

    for number, value in enumerate(values):
        kind, content = value
        is_candidate = kind >= _BLOB and len(content) > TAIL and (not kind & 1 or content[:1] in b"{<")
        if is_candidate and recognise(content[:HEAD], content[-TAIL:]):
            yield number, value


def _column(table: _Table, number: int) -> bytes:
    return table.columns[number] if number < len(table.columns) else b"column %d" % (number + 1)


def _tables(base: _Database, schema: list[_Row]) -> Iterator[_Table]:
    """What has rows of its own: tables, then indexes. Views and virtual tables have none."""
    for row in schema:
        if len(row.values) < 5:  # noqa: PLR2004 - type, name, its table, root page, SQL
            continue
        kind, name, of, root, sql = (content for _, content in row.values[:5])
        number = int.from_bytes(root, "big")
        if number and _utf8(base, kind) in (b"table", b"index"):
            is_table = _utf8(base, kind) == b"table"
            shown = _utf8(base, name).decode("utf-8", "replace")
            title = shown if is_table else f"{_utf8(base, of).decode('utf-8', 'replace')} (index {shown})"
            yield _Table(title, number, _columns(_utf8(base, sql).decode("utf-8", "replace")))


def _columns(sql: str) -> list[bytes]:
    """The names of columns in `CREATE TABLE` or `CREATE INDEX`: the first word of each entry of the outer brackets."""
    depth, columns, is_first = 0, [], False
    for found in _WORD.finditer(sql[:_LARGEST]):
        word = found[0]
        if word.startswith(("--", "/*")):
            continue
        if is_first and word.lower() not in _NO_COLUMNS:
            columns.append(word.strip("\"[]`'").encode("utf-8", "replace"))
        depth += {"(": 1, ")": -1}.get(word, 0)
        is_first = depth == 1 and word in "(,"
    return columns


FORMAT = Format("a SQLite database", _MAGIC[:1], begins, members, kind="file")
