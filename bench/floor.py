"""The floor under unpacking: inflate every member of zips and tars, with isal and nothing else; `--search` it, too."""

from __future__ import annotations

import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from typing import IO, cast

from isal import igzip, isal_zlib

from pitviper.engine.prefilter import Prefilter
from pitviper.rules.loading import load


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
    """What is in an archive, member by member; tars in tars as well."""
    head = file.read(4)
    file.seek(0)
    if head == b"PK\3\4":
        yield from _zip(file)
    elif head[:2] == b"\x1f\x8b":
        yield from _tar(cast("IO[bytes]", igzip.IGzipFile(fileobj=file)))  # type: ignore[no-untyped-call]  # it has none
    else:
        yield from _tar(file)


def _zip(file: IO[bytes]) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    for member in members:
        file.seek(member.header_offset + 26)
        lengths = file.read(4)
        file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), io.SEEK_CUR)
        packed = file.read(member.compress_size)
        yield isal_zlib.decompress(packed, -15, member.file_size or 1) if member.compress_type else packed


def _tar(stream: IO[bytes]) -> Iterator[bytes]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if member.name.endswith("layer.tar"):
                inner = archive.extractfile(member)
                assert inner
                yield from _tar(inner)
            elif member.isreg():
                content = archive.extractfile(member)
                assert content
                yield content.read()


if __name__ == "__main__":
    main()
