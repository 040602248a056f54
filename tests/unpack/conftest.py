"""Ways to hide something in containers, to look for it, and to see what hostile bytes bring about."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pitviper.engine.data import Memory as Held
from pitviper.engine.pack import BUFFER
from pitviper.look import Looker, Outcome
from pitviper.model import blob
from pitviper.model.gap import Gap, Reason
from pitviper.rules.loading import load
from pitviper.sources.directory import Directory
from pitviper.unpack.interface import HEAD, TAIL, Format, Options
from pitviper.unpack.table import recognise
from pitviper.unpack.walk import Walk

Opened = tuple[dict[str, bytes], list[Gap]]


@pytest.fixture(scope="session")
def looking() -> Looker:
    return Looker(load())


@pytest.fixture
def scanned(tmp_path: Path, looking: Looker, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], Outcome]:
    """A function from a name and bytes to what comes of a file like that."""

    def scan(name: str, content: bytes) -> Outcome:
        folder = tmp_path / "target"
        folder.mkdir()
        (folder / name).write_bytes(content)
        monkeypatch.chdir(folder)
        outcome = Outcome()
        for one in looking.look(part for part in Directory(".").parts() if not isinstance(part, Gap)):
            outcome.add(one)
        return outcome

    return scan


@pytest.fixture(scope="session")
def buried() -> Callable[[str, bytes], bytes]:
    """A function from a name and bytes to a `.tar.gz` with a wheel `a.whl` with a file like that."""

    def bury(name: str, content: bytes) -> bytes:
        wheel, packed = io.BytesIO(), io.BytesIO()
        with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            header = tarfile.TarInfo("a.whl")
            header.size = len(wheel.getvalue())
            tar.addfile(header, io.BytesIO(wheel.getvalue()))
        return packed.getvalue()

    return bury


@pytest.fixture(scope="session")
def opened() -> Callable[..., Opened]:
    """A function from a format and bytes to what is searched, by its path, and the gaps. No defect may show."""

    def open_it(found: Format, content: bytes, options: Options | None = None) -> Opened:
        contents: dict[str, bytes] = {}
        gaps: list[Gap] = []
        packs = Walk(options or Options(), len(content), lambda: bytearray(BUFFER))
        for pack in packs.open(blob.Memory("x"), found, Held(content)):
            gaps += pack.gaps
            for span in pack.spans:
                before = contents.get(span.blob.path, b"")
                contents[span.blob.path] = before + bytes(pack.data[span.first : span.last])
        assert Reason.FAILED not in {gap.reason for gap in gaps}, gaps
        return contents, gaps

    return open_it


@pytest.fixture(scope="session")
def cuts() -> Callable[[bytes], Iterator[bytes]]:
    """A function from bytes to beginnings of them."""

    def cut(content: bytes) -> Iterator[bytes]:
        step = max(1, len(content) // 150)
        for end in range(0, len(content), step):
            yield content[:end]

    return cut


@pytest.fixture(scope="session")
def content_of(opened: Callable[..., Opened]) -> Callable[..., Opened]:
    """Like `opened`, of a container whose format is recognised."""

    def open_it(content: bytes, options: Options | None = None) -> Opened:
        found = recognise(content[:HEAD], content[-TAIL:])
        assert found is not None
        return opened(found, content, options)

    return open_it


@pytest.fixture(scope="session")
def told(content_of: Callable[..., Opened]) -> Callable[..., list[tuple[str, str]]]:
    """A function from a container to its gaps, as paths and reasons."""

    def gaps(content: bytes, options: Options | None = None) -> list[tuple[str, str]]:
        return [(gap.path, str(gap.reason)) for gap in content_of(content, options)[1]]

    return gaps


@pytest.fixture(scope="session")
def elf() -> Callable[..., bytes]:
    """A function from sections to a library with them: ELF, little-endian, 64 bits unless it is said."""

    def make(sections: dict[str, bytes], bits: int = 64, order: str = "<") -> bytes:
        is_wide = bits == 64
        names = b"\0" + b"".join(name.encode() + b"\0" for name in (*sections, ".shstrtab"))
        header = struct.Struct(order + ("2HI3QI6H" if is_wide else "2HI3II6H"))
        row = struct.Struct(order + ("2I4Q2I2Q" if is_wide else "10I"))
        body = b""
        rows = [row.pack(*[0] * 10)]
        start = 16 + header.size
        for name, content in {**sections, ".shstrtab": names}.items():
            body += bytes(-(start + len(body)) % 4)
            at = names.index(b"\0" + name.encode() + b"\0") + 1
            rows.append(row.pack(at, 1, 0, 0, start + len(body), len(content), 0, 0, 4, 0))
            body += content
        count = len(rows)
        ident = b"\x7fELF" + bytes((2 if is_wide else 1, 1 if order == "<" else 2, 1))
        fields = (3, 62, 1, 0, 0, start + len(body), 0, 16 + header.size, 0, 0, row.size, count, count - 1)
        return ident.ljust(16, b"\0") + header.pack(*fields) + body + b"".join(rows)

    return make
