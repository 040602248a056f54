"""The floor under unpacking: inflate every member of zips and tars, with isal and nothing else; `--search` it, too."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from typing import IO, Literal

from isal import igzip, isal_zlib

from pitviper.engine.prefilter import Prefilter
from pitviper.rules.loading import load

_MARK = 262
"""Bytes of a tar archive up to the end of its mark."""


def main() -> None:
    """Unpack what the last argument names: a file, or all files in a folder."""
    subject = sys.argv[-1]
    paths = [entry.path for entry in os.scandir(subject)] if os.path.isdir(subject) else [subject]
    prefilter = Prefilter(load()) if "--search" in sys.argv else None
    total = 0
    for path in paths:
        with open(path, "rb") as file:
            for content in _contents(file):
                total += len(content)
                if prefilter:
                    prefilter.scan(memoryview(content))
    print(f"{total:,} bytes")


def _contents(file: IO[bytes]) -> Iterator[bytes]:
    """What is in an archive, member by member, and in the archives in it."""
    head = file.read(_MARK)
    file.seek(0)
    if head.startswith(b"PK\3\4"):
        packed = _zip(file)
    elif head.startswith(b"\x1f\x8b"):
        yield from _compressed(io.BufferedReader(igzip.IGzipFile(fileobj=file)))  # type: ignore[no-untyped-call]  # it has none
        return
    else:
        packed = _tar(file, "r:")
    yield from _nested(packed)


def _nested(members: Iterator[bytes]) -> Iterator[bytes]:
    for content in members:
        if content.startswith((b"PK\3\4", b"\x1f\x8b\x08")) or _is_tar(content):
            try:
                yield from _contents(io.BytesIO(content))
            except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError):  # test data, broken on purpose
                yield content
        else:
            yield content


def _compressed(stream: io.BufferedReader) -> Iterator[bytes]:
    """What is in a gzip file: a tar archive, or one file."""
    yield from _nested(_tar(stream, "r|") if _is_tar(stream.peek(_MARK)) else iter((stream.read(),)))


def _is_tar(head: bytes) -> bool:
    return head[257:_MARK] == b"ustar"


def _zip(file: IO[bytes]) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    for member in members:
        file.seek(member.header_offset + 26)
        lengths = file.read(4)
        file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), io.SEEK_CUR)
        packed = file.read(member.compress_size)
        yield isal_zlib.decompress(packed, -15, member.file_size or 1) if member.compress_type else packed


def _tar(stream: IO[bytes], mode: Literal["r:", "r|"]) -> Iterator[bytes]:
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for member in archive:
            if member.isreg():
                content = archive.extractfile(member)
                assert isinstance(content, io.BufferedReader)
                if _is_tar(content.peek(_MARK)):  # a layer: as a stream, because it is big
                    yield from _tar(content, "r|")
                else:
                    yield content.read()


if __name__ == "__main__":
    main()
