"""7z archives: stored, LZMA, LZMA2, bzip2, deflate, Zstandard, with filters for programs; encrypted ones are gaps.

Files lie one behind the other in blocks, each packed as one stream, and are read in that order. Source: 7-Zip's
DOC/7zFormat.txt and DOC/Methods.txt.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack import decompress
from pitviper.unpack.interface import Format, Item, Member, Options, Refused, Rest, damaged
from pitviper.unpack.pieces import reader

_MAGIC = b"7z\xbc\xaf\x27\x1c"
_START = 32
"""Bytes of the header in front, from whose end offsets count."""
_MOST_HEADER = 64 * 1024 * 1024
_MOST_SKIPPED = 1024 * 1024 * 1024
"""Bytes unpacked in vain, all in all: of members that were cut, or not read to their end."""
_CHUNK = 65536
_END, _HEADER, _PROPERTIES, _MORE_STREAMS, _STREAMS, _FILES = 0, 1, 2, 3, 4, 5
_PACKS, _BLOCKS, _PARTS, _SIZES, _DIGESTS, _BLOCK, _BLOCK_SIZES, _COUNTS = 6, 7, 8, 9, 10, 11, 12, 13
_EMPTY, _NAMES, _ENCODED = 14, 17, 23
_MOST_CODERS = 32
_AES = bytes.fromhex("06f10701")
_LZMA, _LZMA2, _DELTA = bytes.fromhex("030101"), b"\x21", b"\x03"
_COMPLEX, _HAS_PROPERTIES = 0x10, 0x20
_PROGRAMS = {
    bytes.fromhex("03030103"): lzma.FILTER_X86,
    bytes.fromhex("03030205"): lzma.FILTER_POWERPC,
    bytes.fromhex("03030401"): lzma.FILTER_IA64,
    bytes.fromhex("03030501"): lzma.FILTER_ARM,
    bytes.fromhex("03030701"): lzma.FILTER_ARMTHUMB,
    bytes.fromhex("03030805"): lzma.FILTER_SPARC,
    b"\x04": lzma.FILTER_X86,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x06": lzma.FILTER_IA64,
    b"\x07": lzma.FILTER_ARM,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x09": lzma.FILTER_SPARC,
}
_STREAMED: dict[bytes, Callable[[], decompress.Decompressor]] = {
    bytes.fromhex("040108"): decompress.deflate,
    bytes.fromhex("040202"): decompress.bzip2,
    bytes.fromhex("04f71101"): decompress.zstandard,
}
_NAMES_OF_CODERS = {
    bytes.fromhex("030401"): "PPMd",
    bytes.fromhex("0303011b"): "BCJ2",
    bytes.fromhex("040109"): "deflate64",
}


class _Coder(msgspec.Struct):
    """One step from packed to plain."""

    method: bytes
    properties: bytes
    inputs: int
    outputs: int


class _Block(msgspec.Struct):
    """What is packed as one stream: how, the sizes that each coder gives, and the files in it with their checksums."""

    coders: list[_Coder]
    pairs: list[tuple[int, int]]
    packed: int
    """Of its streams, the number; more than one is not supported."""
    sizes: list[int] = []
    digest: int | None = None
    parts: list[tuple[int, int | None]] = []

    def chain(self) -> list[int]:
        """The coders from the one that gives what is plain to the one that gets what is packed."""
        bound = dict(self.pairs)
        given = set(bound.values())
        chain = [number for number in range(len(self.coders)) if number not in given][:1]
        while chain and (following := bound.get(chain[-1], -1)) in range(len(self.coders)):
            if following in chain:
                raise damaged("a block is packed in a circle")
            chain.append(following)
        if len(chain) != len(self.coders):
            raise damaged("a block is packed in no order")
        return chain

    @property
    def size(self) -> int:
        """How many bytes come out."""
        given = {pair[1] for pair in self.pairs}
        plain = [size for number, size in enumerate(self.sizes) if number not in given]
        if not plain:
            raise damaged("a block gives nothing")
        return plain[0]


class _Streams(msgspec.Struct):
    """Where packed streams lie, and what they hold."""

    start: int = 0
    sizes: list[int] = []
    blocks: list[_Block] = []


def begins(head: bytes, tail: bytes) -> bool:
    """The signature."""
    del tail
    return head.startswith(_MAGIC)


def members(data: Data, options: Options) -> Iterator[Item]:
    """The files, block by block; then what is around the packed streams."""
    del options
    streams, names = _directory(data)
    numbered = iter(names)
    start = _START + streams.start
    packs = iter(streams.sizes)
    skipping = _Skipping()
    for block in streams.blocks:
        size = sum(next(packs, 0) for _ in range(block.packed))
        files = [(next(numbered, "(without a name)"), *part) for part in block.parts]
        yield from _members(block, data.part(start, size), files, skipping)
        start += size
    if streams.start:
        yield Rest(_START, streams.start)
    if data.size > start:
        yield Rest(start, data.size - start)
    if skipping.problem:
        raise skipping.problem


class _Skipping(msgspec.Struct):
    """What may still be unpacked in vain, and the first thing that went wrong with it."""

    left: int = _MOST_SKIPPED
    problem: Exception | None = None


def _members(
    block: _Block, packed: Data, files: list[tuple[str, int, int | None]], skipping: _Skipping
) -> Iterator[Member]:
    """The files of a block."""
    try:
        cursor = Cursor(None, b"", _unpacked(block, packed))
    except Refused as refused:
        yield from (Member(name, reason=refused.reason, detail=refused.detail) for name, _, _ in files)
        return
    for name, size, digest in files:
        end = cursor.position + size
        yield Member(name, read=_Checked(cursor.bounded(size), digest, size))
        skipping.left -= end - cursor.position
        try:
            if skipping.left < 0:
                raise Refused(Reason.OVER_BUDGET, f"{name} was not read to its end, so nothing behind it is")  # noqa: TRY301 - told as what else goes wrong
            cursor.skip_to(end)
        except Exception as error:  # noqa: BLE001 - libraries raise what they like
            skipping.problem = skipping.problem or error
            return


def _directory(data: Data) -> tuple[_Streams, list[str]]:
    """What the header at the end says, unpacked as often as it is packed: the streams, and the names of files."""
    head = data.read(0, _START)
    position, size = int.from_bytes(head[12:20], "little"), int.from_bytes(head[20:28], "little")
    if not size:
        return _Streams(), []  # nothing in it
    if size > min(_MOST_HEADER, data.size) or _START + position + size > data.size:
        raise damaged("its directory would lie behind its end")
    raw = data.read(_START + position, size)
    if zlib.crc32(raw) != int.from_bytes(head[28:32], "little"):
        raise damaged("the checksum of its directory does not fit")
    for _ in range(_MOST_CODERS):
        fields = _Fields(raw)
        kind = fields.number()
        if kind == _HEADER:
            return _header(fields)
        if kind != _ENCODED:
            break
        raw = _plain_header(data, _streams(fields))
    raise damaged("its directory does not begin as one")


def _plain_header(data: Data, streams: _Streams) -> bytes:
    if not streams.blocks or not streams.sizes:
        raise damaged("its directory is empty")
    block = streams.blocks[0]
    size = block.size
    if size > _MOST_HEADER:
        raise Refused(Reason.OVER_BUDGET, f"a directory of {size:,} bytes")
    read = _unpacked(block, data.part(_START + streams.start, streams.sizes[0]))
    return b"".join(iter(lambda: read(size), b""))


class _Fields:
    """Reads fields of a header one behind the other; refuses where there are none."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._position = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        piece = self._raw[self._position : self._position + size]
        if len(piece) < size:
            raise damaged("its directory is cut short")
        self._position += size
        return piece

    def number(self) -> int:
        """A number of up to 64 bits; the ones at the top of its first byte tell how many bytes follow."""
        first = self.take(1)[0]
        more = 8 - (first ^ 0xFF).bit_length()
        low = int.from_bytes(self.take(more), "little")
        return low | (first & (0x7F >> more)) << 8 * more

    def count(self) -> int:
        """How many there are of something that takes at least a bit each."""
        number = self.number()
        if number > 8 * len(self._raw):
            raise damaged(f"it would have {number:,} entries")
        return number

    def bits(self, count: int) -> list[bool]:
        """One bit for each."""
        raw = self.take(-(-count // 8))
        return [bool(raw[place // 8] & 0x80 >> place % 8) for place in range(count)]

    def digests(self, count: int) -> list[int | None]:
        """A checksum for each that has one."""
        defined = [True] * count if self.take(1)[0] else self.bits(count)
        return [int.from_bytes(self.take(4), "little") if has else None for has in defined]

    def rest(self) -> bytes:
        """All that is left."""
        return self._raw[self._position :]

    def expect(self, kind: int) -> None:
        """The next field must be of this kind."""
        if self.number() != kind:
            raise damaged("its directory makes no sense")


def _header(fields: _Fields) -> tuple[_Streams, list[str]]:
    kind = fields.number()
    if kind == _PROPERTIES:
        while fields.number():
            fields.take(fields.number())
        kind = fields.number()
    if kind == _MORE_STREAMS:
        _streams(fields)
        kind = fields.number()
    streams = _Streams()
    if kind == _STREAMS:
        streams = _streams(fields)
        kind = fields.number()
    return streams, _files(fields) if kind == _FILES else []


def _streams(fields: _Fields) -> _Streams:
    streams = _Streams()
    parts_told = False
    while (kind := fields.number()) != _END:
        if kind == _PACKS:
            streams.start, streams.sizes = _packs(fields)
        elif kind == _BLOCKS:
            streams.blocks = _blocks(fields)
        elif kind == _PARTS:
            _parts(fields, streams.blocks)
            parts_told = True
        else:
            raise damaged("its directory makes no sense")
    if not parts_told:
        for block in streams.blocks:
            block.parts = [(block.size, block.digest)]
    return streams


def _packs(fields: _Fields) -> tuple[int, list[int]]:
    start, count = fields.number(), fields.count()
    sizes: list[int] = []
    while (kind := fields.number()) != _END:
        if kind == _SIZES:
            sizes = [fields.number() for _ in range(count)]
        elif kind == _DIGESTS:
            fields.digests(count)
        else:
            raise damaged("its directory makes no sense")
    return start, sizes


def _blocks(fields: _Fields) -> list[_Block]:
    fields.expect(_BLOCK)
    count = fields.count()
    if fields.take(1) != b"\0":
        raise Refused(Reason.UNSUPPORTED, "parts of its directory lie elsewhere")
    blocks = [_block(fields) for _ in range(count)]
    fields.expect(_BLOCK_SIZES)
    for block in blocks:
        block.sizes = [fields.number() for coder in block.coders for _ in range(coder.outputs)]
    while (kind := fields.number()) != _END:
        if kind != _DIGESTS:
            raise damaged("its directory makes no sense")
        for block, digest in zip(blocks, fields.digests(count), strict=True):
            block.digest = digest
    return blocks


def _block(fields: _Fields) -> _Block:
    coders = []
    for _ in range(_few(fields.number())):
        flags = fields.take(1)[0]
        method = fields.take(flags & 0x0F)
        inputs, outputs = (_few(fields.number()), _few(fields.number())) if flags & _COMPLEX else (1, 1)
        properties = fields.take(fields.number()) if flags & _HAS_PROPERTIES else b""
        coders.append(_Coder(method, properties, inputs, outputs))
    pairs = [(fields.number(), fields.number()) for _ in range(sum(coder.outputs for coder in coders) - 1)]
    packed = sum(coder.inputs for coder in coders) - len(pairs)
    if packed > 1:
        for _ in range(packed):
            fields.number()
    return _Block(coders, pairs, packed)


def _few(number: int) -> int:
    if number > _MOST_CODERS:
        raise damaged(f"a block is packed in {number:,} ways at once")
    return number


def _parts(fields: _Fields, blocks: list[_Block]) -> None:
    """The files in each block."""
    counts = [1] * len(blocks)
    kind = fields.number()
    if kind == _COUNTS:
        counts = [fields.count() for _ in blocks]
        kind = fields.number()
    for block, count in zip(blocks, counts, strict=True):
        sizes = [fields.number() for _ in range(count - 1)] if kind == _SIZES else []
        if count:
            sizes.append(block.size - sum(sizes))
        if len(sizes) != count or (sizes and sizes[-1] < 0):
            raise damaged("its files do not fit into their block")
        block.parts = [(size, block.digest if count == 1 else None) for size in sizes]
    if kind == _SIZES:
        kind = fields.number()
    while kind != _END:
        if kind == _DIGESTS:
            _digests(fields, blocks)
        else:
            fields.take(fields.number())
        kind = fields.number()


def _digests(fields: _Fields, blocks: list[_Block]) -> None:
    """Checksums of all files but those that are a block of their own, whose checksum is known."""
    unknown = [block for block in blocks if len(block.parts) != 1 or block.digest is None]
    digests = iter(fields.digests(sum(len(block.parts) for block in unknown)))
    for block in unknown:
        block.parts = [(size, next(digests)) for size, _ in block.parts]


def _files(fields: _Fields) -> list[str]:
    """The names of the files that have a content, in order."""
    count = fields.count()
    empty = [False] * count
    names: list[str] = []
    while (kind := fields.number()) != _END:
        raw = _Fields(fields.take(fields.number()))
        if kind == _EMPTY:
            empty = raw.bits(count)
        elif kind == _NAMES and raw.take(1) == b"\0":
            names = _names(raw)
    return [escape(name) for name, nothing in zip(names, empty, strict=False) if not nothing]


def _names(fields: _Fields) -> list[str]:
    return fields.rest().decode("utf-16-le", "surrogatepass").split("\0")[:-1]


def _unpacked(block: _Block, packed: Data) -> Reader:
    """A reader of what is in `block`. Raises `Refused` for a way of packing that is not supported."""
    names = [_NAMES_OF_CODERS.get(coder.method, coder.method.hex()) for coder in block.coders]
    if any(coder.method == _AES for coder in block.coders):
        raise Refused(Reason.ENCRYPTED, "encrypted with AES, which is not supported")
    if block.packed != 1 or any((coder.inputs, coder.outputs) != (1, 1) for coder in block.coders):
        raise Refused(Reason.UNSUPPORTED, f"packed in a way that is not supported ({', '.join(names)})")
    read: Reader = Cursor(packed).read
    for number in reversed(block.chain()):
        coder = block.coders[number]
        read = _coder(coder, read, block.sizes[number])
    return read


def _coder(coder: _Coder, read: Reader, size: int) -> Reader:
    """What comes out of one coder, `size` bytes."""
    method = coder.method
    if method in (b"", b"\0"):
        made = read
    elif method in _STREAMED:
        made = decompress.Stream(read, _STREAMED[method])
    elif method in (_LZMA, _LZMA2):
        made = decompress.Stream(read, lambda: _raw(_lzma(method, coder.properties)))
    elif method in _PROGRAMS:
        made = decompress.Stream(_wrapped(read), lambda: _raw({"id": _PROGRAMS[method]}, _SMALL))
    elif method == _DELTA:
        distance = {"id": lzma.FILTER_DELTA, "dist": (coder.properties or b"\0")[0] + 1}
        made = decompress.Stream(_wrapped(read), lambda: _raw(distance, _SMALL))
    else:
        name = _NAMES_OF_CODERS.get(method, method.hex())
        raise Refused(Reason.UNSUPPORTED, f"packed in a way that is not supported ({name})")
    return _limited(made, size)


def _limited(read: Reader, size: int) -> Reader:
    """The first `size` bytes of what `read` gives, which may have no end of its own. It is never asked for nothing."""
    left = size

    def limited(wanted: int) -> bytes:
        nonlocal left
        wanted = min(wanted, left)
        piece = read(wanted) if wanted else b""
        if wanted and not piece:
            raise EOFError(f"{left:,} bytes are missing")
        left -= len(piece)
        return piece

    return limited


def _lzma(method: bytes, properties: bytes) -> dict[str, Any]:
    kind = lzma.FILTER_LZMA1 if method == _LZMA else lzma.FILTER_LZMA2
    try:
        setting: dict[str, Any] = lzma._decode_filter_properties(kind, properties)  # type: ignore[attr-defined]  # noqa: SLF001
    except lzma.LZMAError:
        raise damaged("the properties of LZMA make no sense") from None
    if setting["dict_size"] > decompress.MOST_MEMORY:
        raise Refused(Reason.OVER_BUDGET, "its dictionary would take more memory than allowed")
    return setting


_SMALL: dict[str, Any] = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}


def _raw(*filters: dict[str, Any]) -> decompress.Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)


def _wrapped(read: Reader) -> Reader:
    """What `read` gives as LZMA2 that is stored: the library has its filters for programs only in front of LZMA2."""

    def chunks() -> Iterator[bytes]:
        control = b"\1"  # the first chunk clears the dictionary
        while piece := read(_CHUNK):
            yield control + (len(piece) - 1).to_bytes(2, "big") + piece
            control = b"\2"
        yield b"\0"

    return reader(chunks())


class _Checked:
    """A file's bytes, compared with its checksum when all were read."""

    def __init__(self, read: Reader, digest: int | None, size: int) -> None:
        self._read = read
        self._wanted = digest
        self._left = size
        self._crc = 0

    def __call__(self, size: int) -> bytes:
        piece = self._read(size) if self._left else b""
        self._crc = zlib.crc32(piece, self._crc)
        self._left -= len(piece)
        if not piece and not self._left and self._wanted not in (None, self._crc):
            raise damaged("its checksum does not fit; it was searched as it came out")
        return piece


FORMAT = Format("a 7z archive", _MAGIC[:1], begins, members)
