from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pitviper import cache

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX has modes and owners")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("PITVIPER_CACHE_DIR", str(path))
    return path


@given(st.binary(min_size=1, max_size=2000))
def test_what_is_stored_comes_back(payload: bytes) -> None:
    cache.store("round-trip", payload)
    assert cache.load("round-trip") == payload


def test_the_last_one_counts(folder: Path) -> None:
    cache.store("a", b"one")
    cache.store("a", b"two")
    cache.store("b", b"three")
    assert cache.load("a") == b"two"
    assert sorted(os.listdir(folder)) == ["a", "b"]


def test_what_was_never_stored(folder: Path) -> None:
    assert cache.load("a") is None
    assert os.listdir(folder) == []


@given(st.binary(max_size=200))
@example(b"")
@example(bytes(32))
def test_what_somebody_else_wrote_does_not_count(data: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        folder = os.path.join(os.environ["PITVIPER_CACHE_DIR"], "foreign")
        patch.setenv("PITVIPER_CACHE_DIR", folder)
        cache.store("a", b"payload")
        with open(os.path.join(folder, "a"), "wb") as file:
            file.write(data)
        assert cache.load("a") is None


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-1], lambda data: data + b"x", lambda data: data[:32], lambda data: b"x" + data[1:]],
    ids=["truncated", "longer", "digest alone", "digest changed"],
)
def test_damage_is_noticed_and_repaired(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    cache.store("a", b"payload")
    path = folder / "a"
    path.write_bytes(damage(path.read_bytes()))
    assert cache.load("a") is None
    cache.store("a", b"payload")
    assert cache.load("a") == b"payload"


class TestFolder:
    @posix
    def test_is_made_for_its_owner_alone(self, folder: Path) -> None:
        cache.store("a", b"payload")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    @posix
    @pytest.mark.parametrize(("mode", "trusted"), [(0o700, True), (0o755, True), (0o770, False), (0o707, False)])
    def test_that_others_can_write_to_is_not_trusted(self, folder: Path, mode: int, *, trusted: bool) -> None:
        cache.store("a", b"payload")
        folder.chmod(mode)
        assert (cache.load("a") == b"payload") is trusted
        cache.store("b", b"payload")
        assert (folder / "b").exists() is trusted

    @posix
    @pytest.mark.usefixtures("folder")
    def test_of_somebody_else_is_not_trusted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cache.store("a", b"payload")
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
        assert cache.load("a") is None

    def test_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PITVIPER_CACHE_DIR", "")
        monkeypatch.chdir(tmp_path)
        cache.store("a", b"payload")
        assert cache.load("a") is None
        assert os.listdir(tmp_path) == []

    def test_that_cannot_be(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"")
        for path in (file, file / "below"):
            monkeypatch.setenv("PITVIPER_CACHE_DIR", str(path))
            cache.store("a", b"payload")
            assert cache.load("a") is None
        assert file.read_bytes() == b""

    @pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is Linux's")
    def test_of_the_platform(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("PITVIPER_CACHE_DIR")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        cache.store("a", b"payload")
        assert cache.load("a") == b"payload"
        assert (tmp_path / "pitviper" / "a").exists()


def test_no_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.store("a", b"before")

    def refuse(source: str, target: str) -> None:
        raise OSError(28, f"No space left on device: {source} {target}")

    monkeypatch.setattr(os, "replace", refuse)
    cache.store("a", b"after")
    assert cache.load("a") == b"before"
    assert os.listdir(folder) == ["a"]
