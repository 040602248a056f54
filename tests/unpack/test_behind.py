"""Zip archives that only their end tells of: behind programs, pictures, each other, in files, streams and members."""

from __future__ import annotations

import importlib.util
import io
import marshal
import os
import random
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import pitviper
from pitviper.config import Settings
from pitviper.look import Looker, Outcome
from pitviper.model.gap import Reason
from pitviper.model.report import Report
from pitviper.sources.stream import Stream

Token = Callable[[str], str]

FRONTS = {
    "shell": b"#!/bin/sh\nexec unzip -p $0 a.py\n",
    "python": b"#!/usr/bin/env python3\n",
    "elf": b"\x7fELF\2\1\1" + bytes(500),
    "pe": b"MZ\x90\0" + bytes(500),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(500),
    "unknown": b"whatever",
}


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def zipped(name: str, secret: str, comment: bytes = b"", size: int = 0) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, f"token = '{secret}'\n")
        archive.writestr("other", noise(size))
        archive.comment = comment
    return out.getvalue()


def tarred(name: str, content: bytes, mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def scan(path: Path) -> Report:
    return pitviper.scan(path, settings=Settings(jobs=1)).report()


def places(report: Report) -> list[str]:
    return [finding.place.path for finding in report.findings]


@pytest.fixture
def streamed(looking: Looker) -> Callable[[bytes], Outcome]:
    """A function from what comes from standard input to what comes of it."""

    def look(content: bytes) -> Outcome:
        reading, writing = os.pipe()

        def write() -> None:
            with open(writing, "wb") as file:
                file.write(content)

        threading.Thread(target=write, daemon=True).start()
        outcome = Outcome()
        for one in looking.look_at_flow(Stream(reading)):
            outcome.add(one)
        return outcome

    return look


class TestFiles:
    @pytest.mark.parametrize("front", FRONTS)
    @pytest.mark.parametrize("size", [0, 3_000_000], ids=["small", "big"])
    def test_behind_anything(self, tmp_path: Path, token: Token, front: str, size: int) -> None:
        path = tmp_path / "a.bin"
        secret = f"\n{token('front')}\n".encode()
        path.write_bytes(FRONTS[front] + secret + noise(size) + zipped("a.py", token("behind")))
        report = scan(path)
        assert (places(report), report.gaps) == ([f"{path}", f"{path}!/a.py"], ())

    @pytest.mark.parametrize("behind", [b"", b"a certificate " * 700], ids=["comment", "and more"])
    def test_with_a_comment(self, tmp_path: Path, token: Token, behind: bytes) -> None:
        path = tmp_path / "a.bin"
        path.write_bytes(FRONTS["pe"] + noise(3_000_000) + zipped("a.py", token("behind"), b"a comment") + behind)
        assert places(scan(path)) == [f"{path}!/a.py"]

    def test_behind_compiled_python(self, tmp_path: Path, token: Token) -> None:
        """But not among its constants, as in a test of zip archives."""
        inner = zipped("a.py", token("behind"))
        code = importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(compile(f"x = {inner!r}", "x.py", "exec"))
        (tmp_path / "test_zip.pyc").write_bytes(code)
        report = scan(tmp_path / "test_zip.pyc")
        assert (places(report), report.gaps) == ([], ())
        (tmp_path / "both.pyc").write_bytes(code + inner)
        assert any(place.endswith("both.pyc!/a.py") for place in places(scan(tmp_path / "both.pyc")))

    def test_one_behind_the_other(self, tmp_path: Path, token: Token) -> None:
        for size in (0, 3_000_000):
            path = tmp_path / f"{size}.zip"
            path.write_bytes(b"".join(zipped(f"{number}.py", token(f"{number}"), size=size) for number in range(3)))
            report = scan(path)
            assert report.gaps == ()
            front = f"{path}!/(in front)"
            assert set(places(report)) == {f"{path}!/2.py", f"{front}!/1.py", f"{front}!/(in front)!/0.py"}

    @pytest.mark.parametrize(
        "document",
        [
            b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
            b"<!doctype html><html></html>\n",
        ],
    )
    def test_behind_a_document(self, tmp_path: Path, token: Token, document: bytes) -> None:
        path = tmp_path / "a.bin"
        path.write_bytes(document + zipped("a.py", token("behind")))
        report = scan(path)
        assert (places(report), report.gaps) == ([f"{path}!/a.py"], ())

    def test_an_end_that_proves_nothing(self, tmp_path: Path, token: Token) -> None:
        path = tmp_path / "a.bin"
        secret = f"\n{token('front')}\n".encode()
        for end in (b"PK\5\6" + bytes(18), b"PK\5\6" + b"\xff" * 18, b"PK\5\6"):
            path.write_bytes(secret + noise(3_000_000) + end)
            report = scan(path)
            assert (places(report), {gap.reason for gap in report.gaps} - {Reason.UNSUPPORTED}) == ([f"{path}"], set())

    def test_one_that_is_gone_when_it_is_to_be_opened(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.bin"
        path.write_bytes(noise(3_000_000))

        def gone(*_: object) -> None:
            raise FileNotFoundError(2, "No such file or directory")

        monkeypatch.setattr("pitviper.sources.directory.opened", gone)
        report = scan(path)
        assert [(gap.path, gap.detail) for gap in report.gaps] == [(f"{path}", "No such file or directory")]


class TestReadOnce:
    @pytest.mark.parametrize("front", FRONTS)
    def test_a_front_of_less_than_a_window(
        self, streamed: Callable[[bytes], Outcome], token: Token, front: str
    ) -> None:
        secret = f"\n{token('front')}\n".encode()
        outcome = streamed(FRONTS[front] + secret + zipped("a.py", token("stream"), size=3_000_000))
        assert sorted(one.place.path for one in outcome.findings) == ["<stdin>", "<stdin>!/a.py"]
        assert outcome.gaps == []

    def test_a_longer_one_is_told(self, streamed: Callable[[bytes], Outcome], token: Token) -> None:
        secret = f"\n{token('front')}\n".encode()
        outcome = streamed(FRONTS["png"] + secret + noise(3_000_000) + zipped("a.py", token("stream")))
        assert [one.place.path for one in outcome.findings] == ["<stdin>"]
        assert [(gap.path, gap.reason) for gap in outcome.gaps] == [("<stdin>", Reason.UNSUPPORTED)]

    def test_what_turns_out_to_be_none(self, streamed: Callable[[bytes], Outcome], token: Token) -> None:
        content = noise(1000) + zipped("a", "")[:60] + noise(3_000_000) + f"\n{token('end')}\n".encode()
        outcome = streamed(content)
        assert [(one.place.path, one.place.offset) for one in outcome.findings] == [("<stdin>", len(content) - 41)]
        assert (outcome.gaps, outcome.bytes, outcome.blobs) == ([], len(content), 1)

    def test_objects_of_git(self, tmp_path: Path, token: Token) -> None:
        (tmp_path / "a.pyz").write_bytes(FRONTS["python"] + zipped("a.py", token("git"), size=3_000_000))
        git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
        for command in (["init", "--quiet"], ["add", "a.pyz"], ["commit", "--quiet", "--message", "a"]):
            subprocess.run([*git, *command], check=True)
        report = pitviper.scan(f"git:{tmp_path}", settings=Settings(jobs=1)).report()
        assert [place.rpartition("a.pyz!/")[2] for place in places(report)] == ["a.py"]
        assert report.gaps == ()


class TestMembers:
    @pytest.mark.parametrize("mode", ["w", "w:gz"])
    @pytest.mark.parametrize("front", [0, 3_000_000])
    def test_three_deep(self, tmp_path: Path, token: Token, mode: str, front: int) -> None:
        inner = FRONTS["png"] + noise(front) + zipped("a.py", token("deep"), size=3_000_000)
        path = tmp_path / "a.tar"
        path.write_bytes(tarred("b.tar", tarred("c", inner, mode), "w"))
        report = scan(path)
        if mode == "w:gz" and front:
            assert [(gap.path, gap.reason) for gap in report.gaps] == [(f"{path}!/b.tar!/c", Reason.UNSUPPORTED)]
        else:
            assert (places(report), report.gaps) == ([f"{path}!/b.tar!/c!/a.py"], ())

    def test_what_turns_out_to_be_none(self, tmp_path: Path, token: Token) -> None:
        content = zipped("a", "")[:60].rjust(1000) + noise(3_000_000) + f"\n{token('end')}\n".encode()
        path = tmp_path / "a.tar.gz"
        path.write_bytes(tarred("c", content, "w:gz"))
        report = scan(path)
        assert [(one.place.path, one.place.offset) for one in report.findings] == [(f"{path}!/c", len(content) - 41)]
        assert report.gaps == ()
