"""The directory of a 7z archive: which streams there are, how they are packed, and the names of what is in them.

Source: 7-Zip's DOC/7zFormat.txt.
"""

from __future__ import annotations

import msgspec

from pitviper.model.gap import Reason
from pitviper.model.place import escape
from pitviper.unpack.interface import Refused, damaged

HEADER, ENCODED = 1, 23
"""What a directory begins with: itself, or how it is packed."""
_END, _PROPERTIES, _MORE_STREAMS, _STREAMS, _FILES = 0, 2, 3, 4, 5
_PACKS, _BLOCKS, _PARTS, _SIZES, _DIGESTS, _BLOCK, _BLOCK_SIZES, _COUNTS = 6, 7, 8, 9, 10, 11, 12, 13
_EMPTY, _NAMES = 14, 17
BEGINNINGS = (
    *(bytes((HEADER, kind)) for kind in (_PROPERTIES, _MORE_STREAMS, _STREAMS, _FILES)),
    bytes((ENCODED, _PACKS)),
)
"""All that a directory may begin with; some programs keep no checksum of it when they encrypt it."""
MOST_CODERS = 32
_COMPLEX, _HAS_PROPERTIES = 0x10, 0x20


class Coder(msgspec.Struct):
    """One step from packed to plain."""

    method: bytes
    properties: bytes
    inputs: int
    outputs: int


class Block(msgspec.Struct):
    """What is packed as one stream: how, the sizes that each coder gives, and the files in it with their checksums."""

    coders: list[Coder]
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


class Streams(msgspec.Struct):
    """Where packed streams lie, and what they hold."""

    start: int = 0
    sizes: list[int] = []
    blocks: list[Block] = []


class Fields:
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


def read_header(fields: Fields) -> tuple[Streams, list[str]]:
    """The streams, and the names of the files in them."""
    kind = fields.number()
    if kind == _PROPERTIES:
        while fields.number():
            fields.take(fields.number())
        kind = fields.number()
    if kind == _MORE_STREAMS:
        read_streams(fields)
        kind = fields.number()
    streams = Streams()
    if kind == _STREAMS:
        streams = read_streams(fields)
        kind = fields.number()
    return streams, _files(fields) if kind == _FILES else []


def read_streams(fields: Fields) -> Streams:
    """Streams, up to the mark of their end."""
    streams = Streams()
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


def _packs(fields: Fields) -> tuple[int, list[int]]:
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


def _blocks(fields: Fields) -> list[Block]:
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


def _block(fields: Fields) -> Block:
    coders = []
    for _ in range(_few(fields.number())):
        flags = fields.take(1)[0]
        method = fields.take(flags & 0x0F)
        inputs, outputs = (_few(fields.number()), _few(fields.number())) if flags & _COMPLEX else (1, 1)
        properties = fields.take(fields.number()) if flags & _HAS_PROPERTIES else b""
        coders.append(Coder(method, properties, inputs, outputs))
    pairs = [(fields.number(), fields.number()) for _ in range(sum(coder.outputs for coder in coders) - 1)]
    packed = sum(coder.inputs for coder in coders) - len(pairs)
    if packed > 1:
        for _ in range(packed):
            fields.number()
    return Block(coders, pairs, packed)


def _few(number: int) -> int:
    if number > MOST_CODERS:
        raise damaged(f"a block is packed in {number:,} ways at once")
    return number


def _parts(fields: Fields, blocks: list[Block]) -> None:
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


def _digests(fields: Fields, blocks: list[Block]) -> None:
    """Checksums of all files but those that are a block of their own, whose checksum is known."""
    unknown = [block for block in blocks if len(block.parts) != 1 or block.digest is None]
    digests = iter(fields.digests(sum(len(block.parts) for block in unknown)))
    for block in unknown:
        block.parts = [(size, next(digests)) for size, _ in block.parts]


def _files(fields: Fields) -> list[str]:
    """The names of the files that have a content, in order."""
    count = fields.count()
    empty = [False] * count
    names: list[str] = []
    while (kind := fields.number()) != _END:
        raw = Fields(fields.take(fields.number()))
        if kind == _EMPTY:
            empty = raw.bits(count)
        elif kind == _NAMES and raw.take(1) == b"\0":
            names = _names(raw)
    return [escape(name) for name, nothing in zip(names, empty, strict=False) if not nothing]


def _names(fields: Fields) -> list[str]:
    return fields.rest().decode("utf-16-le", "surrogatepass").split("\0")[:-1]
