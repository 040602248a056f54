"""The way through containers, from a file or a stream to the report: places, limits, memory, and hostile bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import subprocess
import sys
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import lz4.frame  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pitviper
from pitviper.config import Settings
from pitviper.engine.data import Memory
from pitviper.engine.pack import BUFFER
from pitviper.look import Looker, Outcome
from pitviper.model.blob import Memory as Named
from pitviper.model.gap import Gap, Reason
from pitviper.rules.loading import load
from pitviper.sources.stream import Stream
from pitviper.unpack.interface import HEAD, TAIL, Format, Identity, Item, Member, Options, Rest
from pitviper.unpack.table import recognise
from pitviper.unpack.walk import Walk

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Token = Callable[[str], str]
Opened = tuple[dict[str, bytes], list[Gap]]
ContentOf = Callable[..., Opened]


def as_zip(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def as_tar(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def as_ar(name: str, content: bytes) -> bytes:
    head = f"{name}/".ljust(16) + "0".ljust(12) + "0".ljust(6) * 2 + "100644".ljust(8) + f"{len(content):<10}`\n"
    return b"!<arch>\n" + head.encode() + content + b"\n" * (len(content) % 2)


def as_cpio(name: str, content: bytes) -> bytes:
    def member(name: bytes, content: bytes) -> bytes:
        fields = [1, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
        return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)

    return member(name.encode(), content) + member(b"TRAILER!!!", b"")


def as_rpm(name: str, content: bytes) -> bytes:
    section = b"\x8e\xad\xe8\x01" + bytes(8) + (8).to_bytes(4, "big") + b"scripts\0"
    return b"\xed\xab\xee\xdb".ljust(96, b"\0") + section + section + gzip.compress(as_cpio(name, content))


def as_git(name: str, content: bytes) -> bytes:
    del name
    return zlib.compress(b"blob %d\0" % len(content) + content, 1)


def single(pack: Callable[[bytes], bytes]) -> Callable[[str, bytes], bytes]:
    return lambda _, content: pack(content)


WRAP: dict[str, Callable[[str, bytes], bytes]] = {
    "zip": as_zip,
    "stored zip": lambda name, content: as_zip(name, content, zipfile.ZIP_STORED),
    "bzip2 zip": lambda name, content: as_zip(name, content, zipfile.ZIP_BZIP2),
    "lzma zip": lambda name, content: as_zip(name, content, zipfile.ZIP_LZMA),
    "zip behind a line": lambda name, content: b"#!/usr/bin/python\n" + as_zip(name, content),
    "tar": as_tar,
    "tar.gz": lambda name, content: gzip.compress(as_tar(name, content)),
    "tar.xz": lambda name, content: lzma.compress(as_tar(name, content)),
    "ar": as_ar,
    "cpio": as_cpio,
    "rpm": as_rpm,
    "gz": single(gzip.compress),
    "bz2": single(bz2.compress),
    "xz": single(lzma.compress),
    "lzma": single(lambda content: lzma.compress(content, lzma.FORMAT_ALONE)),
    "zst": single(zstd.compress),
    "lz4": single(lz4.frame.compress),
    "git": as_git,
}
SINGLE = {"gz", "bz2", "xz", "lzma", "zst", "lz4"}


def text(token: str, line: int = 3, size: int = 0) -> bytes:
    """A file with `token` on a line."""
    return b"x = 1\n" * (line - 1) + f"token = '{token}'\n".encode() + b"y = 2\n" * (size // 6)


def findings(path: Path, **choices: int) -> list[tuple[str, int | None]]:
    report = pitviper.scan(path, settings=Settings(jobs=1, **choices)).report()  # type: ignore[arg-type]
    return [(one.place.path, one.place.line) for one in report.findings]


class TestThreeDeep:
    @pytest.mark.parametrize("kind", WRAP)
    @pytest.mark.parametrize("size", [0, 5_000_000], ids=["small", "big"])
    def test_each_as_the_innermost(self, tmp_path: Path, token: Token, kind: str, size: int) -> None:
        inner = WRAP[kind]("pkg/a.py", text(token(kind), size=size))
        middle = as_zip("inner.bin", inner, zipfile.ZIP_STORED)
        path = tmp_path / "outer.tar.gz"
        path.write_bytes(gzip.compress(as_tar("middle.whl", middle), 1))
        report = pitviper.scan(path, settings=Settings(jobs=1)).report()
        assert report.gaps == ()
        (found,) = report.findings
        last = "inner" if kind in SINGLE | {"git"} else "pkg/a.py"
        assert found.place.path == f"{path}!/middle.whl!/inner.bin!/{last}"
        assert found.place.line == (3 if kind != "git" else None)
        assert [(link.kind, link.name) for link in found.place.chain] == [
            ("archive", str(path)),
            ("archive", "middle.whl"),
            ("archive", "inner.bin"),
            ("file", last),
        ]

    @pytest.mark.parametrize("kind", WRAP)
    @pytest.mark.parametrize("size", [0, 5_000_000], ids=["small", "big"])
    def test_each_as_the_outermost(self, tmp_path: Path, token: Token, kind: str, size: int) -> None:
        inner = as_tar("a.py", text(token(kind), size=size))
        path = tmp_path / "outer.bin"
        path.write_bytes(WRAP[kind]("middle", as_zip("inner", inner)))
        last = "" if kind in SINGLE else "!/outer" if kind == "git" else "!/middle"
        if kind == "git":  # a header stands in front of its content
            assert [line for _, line in findings(path)] == [3]
        else:
            assert findings(path) == [(f"{path}{last}!/inner!/a.py", 3)]


class TestStreams:
    @pytest.mark.parametrize("size", [0, 5_000_000])
    @pytest.mark.parametrize("kind", ["tar.gz", "zip", "zip behind a line", "xz", "rpm"])
    def test_from_standard_input(self, token: Token, kind: str, size: int) -> None:
        packed = WRAP[kind]("a.py", text(token("stream")) + random.Random(1).randbytes(size))
        reading, writing = os.pipe()

        def write() -> None:
            with open(writing, "wb") as file:
                file.write(packed)

        threading.Thread(target=write, daemon=True).start()
        outcome = Outcome()
        for one in Looker(load()).look_at_flow(Stream(reading)):
            outcome.add(one)
        (found,) = outcome.findings
        assert found.place.path == ("<stdin>!/<stdin>" if kind == "xz" else "<stdin>!/a.py")
        assert found.place.chain[0].kind == "archive"
        assert outcome.gaps == []

    def test_the_command(self, token: Token) -> None:
        packed = WRAP["tar.gz"]("a.py", text(token("command")))
        command = [sys.executable, "-m", "pitviper", "scan", "-", "-o", "csv", "--quiet"]
        done = subprocess.run(command, input=packed, capture_output=True, check=False)
        assert done.returncode == 1
        assert b"<stdin>!/a.py" in done.stdout


class TestLimits:
    def test_depth(self, tmp_path: Path, token: Token) -> None:
        path = tmp_path / "a.zip"
        content = text(token("deep"))
        for _ in range(4):
            content = as_zip("a.zip", content, zipfile.ZIP_STORED)
        path.write_bytes(content)
        assert findings(path, max_depth=4)[0] == (f"{path}!/a.zip!/a.zip!/a.zip!/a.zip", 3)
        report = pitviper.scan(path, settings=Settings(max_depth=3, jobs=1)).report()
        assert [(gap.path, gap.reason) for gap in report.gaps] == [(f"{path}!/a.zip!/a.zip!/a.zip", Reason.OVER_BUDGET)]
        assert [one.place.path for one in report.findings] == [f"{path}!/a.zip!/a.zip!/a.zip"]  # found as it is

    def test_the_deepest_that_can_be_asked_for(self, tmp_path: Path, token: Token) -> None:
        path = tmp_path / "a"
        content = text(token("deepest"))
        for number in range(64):
            content = as_tar("a", content) if number % 2 else gzip.compress(content)
        path.write_bytes(content)
        assert len(findings(path, max_depth=64)) == 1

    @pytest.mark.parametrize(
        ("choices", "detail"),
        [
            ({"max_members": 3}, "more than 3 members"),
            ({"max_expanded": 2_000_000}, "it expands to more than 2,000,000 bytes"),
        ],
    )
    def test_end_the_artefact_and_nothing_else(
        self, tmp_path: Path, token: Token, choices: dict[str, int], detail: str
    ) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("first", text(token("first")))
            for number in range(5):
                archive.writestr(f"{number}", bytes(1_000_000))
        (tmp_path / "b.zip").write_bytes(out.getvalue())
        for name in "ac":
            (tmp_path / name).write_bytes(text(token(name)))
            (tmp_path / f"{name}.zip").write_bytes(as_zip("m", text(token(f"{name} packed"))))
        report = pitviper.scan(tmp_path, settings=Settings(jobs=1, **choices)).report()  # type: ignore[arg-type]
        assert len(report.findings) == 5
        last = "the limits for one artefact are reached: what follows in it was not looked into"
        assert {gap.path.partition("!")[0] for gap in report.gaps} == {f"{tmp_path}/b.zip"}
        assert [gap.detail for gap in report.gaps] == [last, detail]

    def test_a_ratio_cuts_what_passes_it(self, tmp_path: Path, token: Token) -> None:
        path = tmp_path / "a.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
            archive.writestr("before", text(token("before")))
            archive.writestr("bomb", bytes(70_000_000))
            archive.writestr("after", text(token("after")))
        report = pitviper.scan(path, settings=Settings(jobs=1)).report()
        assert sorted(one.place.path for one in report.findings) == [f"{path}!/after", f"{path}!/before"]
        assert [(gap.path, gap.reason) for gap in report.gaps] == [(f"{path}!/bomb", Reason.OVER_BUDGET)]

    def test_gaps_of_one_artefact(self, content_of: ContentOf) -> None:
        whole = b"".join(as_tar(f"{number}", b"\x1f\x8b\x08" + bytes(30))[:1024] for number in range(3000))
        assert len(content_of(whole)[1]) == 2000

    def test_what_comes_out_of_streams_in_streams_counts_once(self) -> None:
        content = gzip.compress(as_tar("a", random.Random(1).randbytes(3_000_000)))
        walk = Walk(Options(), len(content), lambda: bytearray(BUFFER))
        found = recognise(content[:HEAD], content[-TAIL:])
        assert found is not None
        list(walk.open(Named("x"), found, Memory(content)))
        assert 3_000_000 < walk.budget.expanded < 3_100_000


class TestDefects:
    def a_format(self, *items: Item | Exception) -> Format:
        def members(*_: object) -> Iterator[Item]:
            for item in items:
                if isinstance(item, Exception):
                    raise item
                yield item

        return Format("a test", b"", lambda *_: True, members)

    def open(self, *items: Item | Exception) -> tuple[list[tuple[str, str]], dict[str, bytes]]:
        gaps: list[tuple[str, str]] = []
        contents: dict[str, bytes] = {}
        walk = Walk(Options(), 9, lambda: bytearray(BUFFER))
        for pack in walk.open(Named("x"), self.a_format(*items), Memory(b"content")):
            gaps += [(gap.path, str(gap.reason)) for gap in pack.gaps]
            contents |= {span.blob.path: bytes(pack.data[span.start : span.end]) for span in pack.spans}
        return gaps, contents

    def test_are_told_apart_from_damage(self) -> None:
        assert self.open(TypeError("x")) == ([("x", "failed")], {"x": b"content"})
        assert self.open(ValueError("x")) == ([("x", "damaged")], {"x": b"content"})
        assert self.open(MemoryError()) == ([("x", "damaged")], {"x": b"content"})

    def test_what_fails_after_a_member_ends_there(self) -> None:
        gaps, contents = self.open(Member("a", data=Memory(b"a")), ValueError("x"))
        assert (gaps, contents["x!/a"]) == ([("x", "damaged")], b"a")

    def test_a_member_that_fails_harms_no_other(self) -> None:
        def read(size: int) -> bytes:
            raise KeyError(size)

        gaps, contents = self.open(Member("a", read=read), Member("b", data=Memory(b"b")))
        assert (gaps, contents["x!/b"]) == ([("x!/a", "failed")], b"b")

    def test_identities_and_rests(self) -> None:
        packs = list(
            Walk(Options(), 9, lambda: bytearray(BUFFER)).open(
                Named("x"), self.a_format(Identity("distribution", {"version": "1"}), Rest(3, 2)), Memory(b"content")
            )
        )
        (span,) = packs[0].spans
        assert bytes(packs[0].data[span.start : span.end]) == b"te"
        assert (span.base, span.lines) == (3, None)
        assert [(link.kind, link.version) for link in span.blob.chain] == [("distribution", "1")]


def test_offsets_behind_a_big_front(tmp_path: Path, token: Token) -> None:
    path = tmp_path / "a.pyz"
    front = b"#!python\n" + random.Random(1).randbytes(3_000_000)
    hidden = f"\n{token('hidden')}\n".encode()
    path.write_bytes(front + hidden + as_zip("a.py", text(token("member"))) + hidden)
    report = pitviper.scan(path, settings=Settings(jobs=1)).report()
    assert {one.place.path for one in report.findings} >= {f"{path}"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_number_of_jobs_changes_nothing(tmp_path: Path, token: Token, jobs: int) -> None:
    wanted = []
    for number, kind in enumerate(list(WRAP) * 3):
        name = f"{number:03}.bin"
        packed = WRAP[kind]("a.py", text(token(f"{number}")) + random.Random(number).randbytes(1_000_000))
        (tmp_path / name).write_bytes(packed)
        wanted.append(name)
    report = pitviper.scan(tmp_path, settings=Settings(jobs=jobs)).report()
    assert [Path(one.place.path.partition("!")[0]).name for one in report.findings] == wanted
    assert report.gaps == ()


@pytest.mark.skipif(sys.platform != "linux", reason="measures with /proc")
@pytest.mark.parametrize("kind", ["zip", "stored zip", "tar.gz", "tar.xz", "zst", "bz2", "lz4"])
def test_memory_stays_bounded(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(WRAP[kind]("a", as_tar("b", bytes(300_000_000))))
    script = (
        "import sys, pitviper\n"
        "from pitviper.config import Settings\n"
        "report = pitviper.scan(sys.argv[1], settings=Settings(jobs=1)).report()\n"
        "peak = open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]\n"
        "print(peak, report.stats.expanded_bytes)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, check=True, text=True)
    kilobytes, expanded = map(int, done.stdout.split())
    assert kilobytes < 300 * 1024
    assert expanded > 60_000_000


SMALL = {kind: wrap("a.py", b"some text\n" * 30) for kind, wrap in WRAP.items()}
SMALL["all"] = as_tar("a.zip", as_zip("a.gz", gzip.compress(as_ar("a.o", as_cpio("c", b"text\n" * 9)))))

Change = tuple[str, int, int, bytes]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "splice", "zero"]),
        st.integers(0, 4000),
        st.integers(0, 300),
        st.one_of(
            st.binary(max_size=8), st.sampled_from([b"\xff" * 4, bytes(4), b"PK\5\6", b"PK\3\4", b"-1", b"\x80"])
        ),
    ),
    min_size=1,
    max_size=6,
)


def changed(content: bytes, changes: list[Change]) -> bytes:
    data = bytearray(content)
    for how, place, size, value in changes:
        at = place % (len(data) + 1)
        if how == "flip" and at < len(data):
            data[at] ^= 1 << size % 8
        elif how == "cut":
            del data[at : at + size]
        elif how == "insert":
            data[at:at] = value
        elif how == "splice":
            data[at : at + len(value)] = value
        elif how == "zero":
            data[at : at + size] = bytes(len(data[at : at + size]))
    return bytes(data)


@pytest.mark.parametrize("kind", SMALL)
@settings(max_examples=150)
@given(changes=CHANGES)
def test_no_bytes_bring_it_down(kind: str, changes: list[Change]) -> None:
    content = changed(SMALL[kind], changes)
    found = recognise(content[:HEAD], content[-TAIL:])
    if found is None:
        return
    buffer = bytearray(BUFFER)
    searched = 0
    for pack in Walk(Options(archive_password=("p",)), len(content), lambda: buffer).open(
        Named("x"), found, Memory(content)
    ):
        assert Reason.FAILED not in {gap.reason for gap in pack.gaps}, pack.gaps
        searched += pack.filled
    assert searched < 50_000_000
