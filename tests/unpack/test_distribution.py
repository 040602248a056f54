from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pitviper.config import Settings
from pitviper.engine import metadata
from pitviper.engine.data import Cursor, Memory
from pitviper.model.finding import Finding
from pitviper.model.place import Link
from pitviper.scanning import scan
from pitviper.unpack import distribution, tar, zip_archive
from pitviper.unpack.interface import Identity, Member, Options

METADATA = b"Metadata-Version: 2.4\nName: Shop\nVersion: 1.0\n\nWords.\n"
INFO = "shop-1.0.dist-info"
WHEEL = {
    "shop/__init__.py": b"1",
    "shop/late.py": b"2",
    f"{INFO}/METADATA": METADATA,
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n",
    f"{INFO}/RECORD": f"shop/__init__.py,sha256=x,1\n{INFO}/METADATA,,\n{INFO}/WHEEL,,\n".encode(),
}
SHOP = Identity("distribution", {"project": "Shop", "version": "1.0"})


def zipped(files: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def tarred(files: Mapping[str, bytes], mode: str = "") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]  # one of its modes
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return held.getvalue()


def in_zip(files: Mapping[str, bytes]) -> tuple[Identity | None, dict[str, bool | None]]:
    """What it is, and of each member whether it is recorded."""
    items = list(zip_archive.members(Memory(zipped(files)), Options()))
    identity = items[0] if isinstance(items[0], Identity) else None
    return identity, {item.name: item.facts.get("recorded") for item in items if isinstance(item, Member)}


def in_tar(files: Mapping[str, bytes], shown: int | None = None) -> Identity | None:
    """What it is, if only the first bytes can be seen beforehand."""
    data = tarred(files)
    cursor = Cursor(Memory(data)) if shown is None else Cursor(None, data[:shown], lambda _: b"")
    first = next(tar.members(cursor, Options()), None)
    return first if isinstance(first, Identity) else None


class TestWheel:
    def test_is_known_by_its_metadata(self) -> None:
        identity, recorded = in_zip(WHEEL)
        assert identity == SHOP
        assert recorded == {
            "shop/__init__.py": True,
            "shop/late.py": False,
            f"{INFO}/METADATA": True,
            f"{INFO}/WHEEL": True,
            f"{INFO}/RECORD": None,
        }

    @pytest.mark.parametrize("missing", ["METADATA", "WHEEL"])
    def test_without_its_metadata_is_an_archive(self, missing: str) -> None:
        identity, recorded = in_zip({name: data for name, data in WHEEL.items() if not name.endswith(missing)})
        assert identity is None
        assert set(recorded.values()) == {None}

    def test_of_two_is_an_archive(self) -> None:
        """Installers refuse it, and a bundle of dependencies looks so."""
        other = {name.replace("shop-1.0", "other-2.0"): data for name, data in WHEEL.items() if INFO in name}
        assert in_zip(WHEEL | other)[0] is None

    def test_without_names_in_its_metadata_is_called_as_its_folder(self) -> None:
        identity, _ = in_zip(WHEEL | {f"{INFO}/METADATA": b"\0\xff\n\n"})
        assert identity == Identity("distribution", {"project": "shop", "version": "1.0"})

    def test_without_a_record_nothing_is_known_of_its_files(self) -> None:
        files = {name: data for name, data in WHEEL.items() if not name.endswith("RECORD")}
        assert set(in_zip(files)[1].values()) == {None}

    @pytest.mark.parametrize("record", [b'"' + b"x" * 200_000, b"a\rb\r\n" * 3, b"\xff\0\n,,,\n\n"])
    def test_with_a_record_that_is_no_good(self, record: bytes) -> None:
        identity, recorded = in_zip(WHEEL | {f"{INFO}/RECORD": record})
        assert identity == SHOP
        assert recorded["shop/late.py"] is not True

    def test_with_a_record_too_long_to_know(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(metadata, "RECORD", 8)
        assert set(in_zip(WHEEL)[1].values()) == {None}

    def test_names_beyond_ascii(self) -> None:
        names = {"shop/ä\u202e.py": b"", f"{INFO}/RECORD": "shop/ä\u202e.py,,\n".encode()}
        assert in_zip(WHEEL | names)[1]["shop/ä\\u202e.py"] is True

    def test_with_damaged_metadata_is_one_all_the_same(self) -> None:
        data = bytearray(zipped(WHEEL))
        start = data.index(b"PK\x03\x04", data.index(b"late.py"))  # the header of METADATA
        data[start + 30 + len(f"{INFO}/METADATA")] ^= 0xFF
        first = next(zip_archive.members(Memory(bytes(data)), Options()))
        assert first == Identity("distribution", {"project": "shop", "version": "1.0"})


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"EGG-INFO/PKG-INFO": METADATA, "shop.py": b""}, {"project": "Shop", "version": "1.0"}),
        ({"shop-1.0/PKG-INFO": METADATA, "shop-1.0/setup.py": b""}, {"project": "Shop", "version": "1.0"}),
        ({"shop-1.0/PKG-INFO": METADATA, "setup.py": b""}, None),
        ({"shop/PKG-INFO": METADATA}, None),
        ({"shop-1.0/setup.py": b""}, None),
        (
            {"metadata.json": b"{}", "info-my-shop-1.0-py_0.tar.zst": b"", "pkg-my-shop-1.0-py_0.tar.zst": b""},
            {"project": "my-shop", "version": "1.0"},
        ),
        ({"metadata.json": b"{}", "a.py": b""}, None),
    ],
)
def test_other_zip_archives(files: dict[str, bytes], told: dict[str, str] | None) -> None:
    assert in_zip(files)[0] == (told and Identity("distribution", told))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"shop-1.0/setup.py": b"1", "shop-1.0/PKG-INFO": METADATA}, SHOP),
        ({"./shop-1.0/PKG-INFO": METADATA, "./shop-1.0/setup.py": b"1"}, SHOP),
        ({"shop-1.0/PKG-INFO": b""}, Identity("distribution", {"project": "shop", "version": "1.0"})),
        ({"shop-1.0/shop/PKG-INFO": METADATA}, None),
        ({"shop-1.0/pyproject.toml": b""}, None),
        ({"other": b"", "shop-1.0/PKG-INFO": METADATA}, None),
        ({"shop-1.0/a": b"", "other/PKG-INFO": METADATA}, None),
        ({"PKG-INFO": METADATA}, None),
        ({}, None),
    ],
)
def test_tar_archives(files: dict[str, bytes], told: Identity | None) -> None:
    assert in_tar(files) == told


def test_an_sdist_of_which_only_the_beginning_can_be_seen() -> None:
    files = {"shop-1.0/pyproject.toml": b"", "shop-1.0/data": bytes(4096), "shop-1.0/PKG-INFO": METADATA}
    assert in_tar(files, 2048) == Identity("distribution", {"project": "shop", "version": "1.0"}, "shop-1.0")
    del files["shop-1.0/pyproject.toml"]
    assert in_tar(files, 2048) is None


def test_metadata_far_behind_many_files_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "_MOST_HEADERS", 3)
    files = {f"shop-1.0/{number}": b"" for number in range(5)}
    assert in_tar({**files, "shop-1.0/PKG-INFO": METADATA}) is None


class TestScan:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("dist").mkdir()

    def findings(self) -> list[Finding]:
        report = scan("dist", settings=Settings(jobs=1)).report()
        assert report.gaps == ()
        return sorted(report.findings, key=lambda finding: finding.place.path)

    def test_what_is_to_be_published(self, token: Callable[[str], str]) -> None:
        leaks = {name: f'\n\nTOKEN = "{token(name)}"\n'.encode() for name in ("settings", "late", "setup")}
        files = {"shop/__init__.py": leaks["settings"], "shop/late.py": leaks["late"]}
        Path("dist/shop-1.0-py3-none-any.whl").write_bytes(zipped(WHEEL | files))
        Path("dist/shop-1.0.tar.gz").write_bytes(
            tarred({"shop-1.0/setup.py": leaks["setup"], "shop-1.0/PKG-INFO": METADATA}, "gz")
        )
        places = {finding.place.path: finding for finding in self.findings()}
        recorded = places["dist/shop-1.0-py3-none-any.whl!/shop/__init__.py"]
        unrecorded = places["dist/shop-1.0-py3-none-any.whl!/shop/late.py"]
        sdist = places["dist/shop-1.0.tar.gz!/shop-1.0/setup.py"]
        assert recorded.place.chain == (
            Link("tree", "dist"),
            Link("distribution", "shop-1.0-py3-none-any.whl", "1.0", "Shop"),
            Link("file", "shop/__init__.py", recorded=True),
        )
        assert sdist.place.chain[1] == Link("distribution", "shop-1.0.tar.gz", "1.0", "Shop")
        told = [[reason.text for reason in one.evidence if reason.name == "record"] for one in places.values()]
        assert sorted(told) == [[], [], ["not in RECORD"]]
        assert [reason.text for reason in unrecorded.evidence if reason.name == "record"]

    def test_an_archive_in_an_unrecorded_file(self, token: Callable[[str], str]) -> None:
        inner = zipped({"a.py": f'TOKEN = "{token("inner")}"\n'.encode()})
        Path("dist/a.whl").write_bytes(zipped(WHEEL | {"shop/late.zip": inner}))
        (finding,) = self.findings()
        assert [(reason.name, reason.text) for reason in finding.evidence][-1] == ("record", "not in RECORD")

    @pytest.mark.parametrize(("name", "kind"), [("shop-1.0.tar.gz", "distribution"), ("source.tar.gz", "archive")])
    def test_a_big_sdist_is_known_by_its_name(self, name: str, kind: str, token: Callable[[str], str]) -> None:
        files = {
            "shop-1.0/setup.py": f'TOKEN = "{token(name)}"\n'.encode(),
            "shop-1.0/data": os.urandom(3 * 1024 * 1024),
            "shop-1.0/PKG-INFO": METADATA,
        }
        Path("dist", name).write_bytes(tarred(files, "gz"))
        (finding,) = self.findings()
        assert finding.place.chain[1].kind == kind
        assert finding.place.chain[1].project == ("shop" if kind == "distribution" else None)
