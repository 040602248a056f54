"""`Pyc`: a file of compiled Python, from its header to its code; also one whose header lies, or is missing."""

from __future__ import annotations

import msgspec

from pitviper.bytecode.code import Code, Version
from pitviper.bytecode.guess import HEADERS, begins_code, guess, is_sound
from pitviper.bytecode.magic import Header, header, header_size, name_of, version_of
from pitviper.bytecode.marshal import load

MAX_SIZE = 64 * 1024 * 1024
"""Bytes of a file that is read; the largest of the standard libraries has 0.8 MB."""
HEAD = 48
"""Bytes of a file that `begins` looks at."""

_MAGIC_END = b"\r\n"


class Pyc(msgspec.Struct):
    """What a file of compiled Python holds. `problem` says what could not be read, and why; `code` is what could.

    `guessed`: the header does not tell the version, so that names are known and what the instructions mean is not.
    """

    version: Version | None
    header: Header | None
    code: Code | None
    problem: str = ""
    guessed: bool = False


def begins(head: bytes) -> bool:
    """Whether a file that begins so is compiled Python: code behind a header, whose magic number may be wiped.

    Of a magic number that is known the header's size is; else there must be all that begins a code object.
    """
    version = _version(head)
    if version:
        size = header_size(_magic(head), version)
        return head[size : size + 1] in (b"c", b"\xe3")
    return any(begins_code(head, size) for size in HEADERS)


def has_magic(head: bytes) -> bool:
    """Whether a file that begins so has a magic number, be it known or not."""
    return head[2:4] == _MAGIC_END


def is_known(head: bytes | bytearray) -> bool:
    """Whether the magic number of a file that begins so is one of a version that is known."""
    return _version(head) is not None


def is_whole(data: bytes) -> bool:
    """Whether `data` is compiled Python of a known version, undamaged, and nothing follows its code."""
    version = _version(data)
    if version is None or len(data) > MAX_SIZE:
        return False
    loaded = load(data, header_size(_magic(data), version), version)
    return isinstance(loaded.value, Code) and not loaded.problem and loaded.end == len(data)


def head(data: bytes) -> tuple[Version | None, Header | None]:
    """The version and the header of a file that begins so; None for what it does not tell."""
    version = _version(data)
    size = header_size(_magic(data), version) if version else HEAD
    return version, header(data, size) if version and len(data) >= size else None


def read(data: bytes) -> Pyc:
    """The code in `data`. Never raises."""
    if len(data) > MAX_SIZE:
        return Pyc(None, None, None, f"it has more than {MAX_SIZE:,} bytes")
    version = _version(data)
    if version is None:
        return _guessed(data)
    size = header_size(_magic(data), version)
    loaded = load(data, size, version)
    code = loaded.value if isinstance(loaded.value, Code) else None
    if code is None or (loaded.problem and not is_sound(code)):
        other = _guessed(data)
        if other.code is not None:
            return other
    found = header(data, size) if len(data) >= size else None
    return Pyc(version, found, code, loaded.problem or ("" if code else "there is no code object in it"))


def _guessed(data: bytes) -> Pyc:
    found = guess(data)
    magic = _magic(data)
    version = _version(data)
    if not has_magic(data):
        told = "there is no magic number"
    elif version:
        told = f"its magic number is {magic}, of {version}, and what follows is not"
    else:
        told = f"its magic number is {magic}, {name_of(magic)}"
    if found is None or not isinstance(found.loaded.value, Code):
        return Pyc(None, None, None, f"{told}: no code could be read")
    told = f"{told}: read as if it were of {found.version}"
    if found.loaded.problem:
        told = f"{told}; {found.loaded.problem}"
    head = header(data, found.header) if found.header else None
    return Pyc(found.version, head, found.loaded.value, told, guessed=True)


def _magic(data: bytes | bytearray) -> int:
    return int.from_bytes(data[:2], "little")


def _version(data: bytes | bytearray) -> Version | None:
    return version_of(_magic(data)) if data[2:4] == _MAGIC_END else None
