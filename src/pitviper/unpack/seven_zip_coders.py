"""How blocks of a 7z archive are packed: LZMA, LZMA2, bzip2, deflate, Zstandard, filters for programs, AES.

Source: 7-Zip's DOC/Methods.txt.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from pitviper.engine.data import Cursor, Data, Reader
from pitviper.model.gap import Reason
from pitviper.unpack import decompress, seven_zip_aes
from pitviper.unpack.interface import Refused, damaged, locked
from pitviper.unpack.pieces import reader
from pitviper.unpack.seven_zip_aes import Keys
from pitviper.unpack.seven_zip_header import Block, Coder

_CHUNK = 65536
_TRIAL = 16 * 1024 * 1024
"""Bytes up to which the first file in a block is unpacked to see whether a password fits."""
_LZMA, _LZMA2, _DELTA = bytes.fromhex("030101"), b"\x21", b"\x03"
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


def unpacked(block: Block, packed: Data, keys: Keys, beginnings: tuple[bytes, ...] = (b"",)) -> Reader:
    """A reader of what is in `block`, which has one of `beginnings`.

    Raises `Refused` for a way of packing that is not supported, and where no key fits.
    """
    names = [_NAMES_OF_CODERS.get(coder.method, coder.method.hex()) for coder in block.coders]
    if block.packed != 1 or any((coder.inputs, coder.outputs) != (1, 1) for coder in block.coders):
        raise Refused(Reason.UNSUPPORTED, f"packed in a way that is not supported ({', '.join(names)})")
    if all(coder.method != seven_zip_aes.METHOD for coder in block.coders):
        return _chained(block, packed, keys, "")
    for password in list(keys.passwords):
        if _fits(block, _chained(block, packed, keys, password), beginnings):
            keys.prefer(password)
            return _chained(block, packed, keys, password)
    raise locked(keys.passwords)


def _fits(block: Block, read: Reader, beginnings: tuple[bytes, ...]) -> bool:
    """Whether `read` gives the first file in `block`: what a wrong key gives can seldom be unpacked."""
    size, digest = block.parts[0] if block.parts else (0, None)
    crc, position = 0, 0
    try:
        while piece := read(min(size, _TRIAL) - position):
            if not position and not piece.startswith(beginnings):
                return False
            crc = zlib.crc32(piece, crc)
            position += len(piece)
    except Exception:  # noqa: BLE001 - libraries raise what they like
        return False
    return size > _TRIAL or digest in (None, crc)


def _chained(block: Block, packed: Data, keys: Keys, password: str) -> Reader:
    read: Reader = Cursor(packed).read
    for number in reversed(block.chain()):
        coder = block.coders[number]
        if coder.method == seven_zip_aes.METHOD:
            read = _limited(keys.decrypted(read, coder.properties, password), block.sizes[number])
        else:
            read = _coder(coder, read, block.sizes[number])
    return read


def _coder(coder: Coder, read: Reader, size: int) -> Reader:
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
