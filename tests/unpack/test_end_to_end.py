"""Every format of the table, three containers deep, through the command: a fake in it is found where it lies."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import marshal
import pickle
import sqlite3
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing

import lz4.frame  # type: ignore[import-untyped]
import pytest

from pitviper.unpack import unsupported
from pitviper.unpack.interface import HEAD, TAIL
from pitviper.unpack.table import FORMATS, recognise

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def as_zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", content)
    return out.getvalue()


def as_tar(content: bytes, name: str = "a", **more: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, data in {name: content, **more}.items():
            header = tarfile.TarInfo(member)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return out.getvalue()


def as_image(content: bytes) -> bytes:
    layer = as_tar(content)
    diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    manifest = json.dumps([{"Config": "config", "RepoTags": [], "Layers": ["layer"]}]).encode()
    return as_tar(manifest, "manifest.json", config=config, layer=layer)


def as_ar(content: bytes) -> bytes:
    head = b"a/".ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644".ljust(8) + b"%-10d`\n" % len(content)
    return b"!<arch>\n" + head + content + b"\n" * (len(content) % 2)


def as_cpio(content: bytes) -> bytes:
    def member(name: bytes, data: bytes) -> bytes:
        fields = [1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
        return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)

    return member(b"a", content) + member(b"TRAILER!!!", b"")


def as_rpm(content: bytes) -> bytes:
    section = b"\x8e\xad\xe8\x01" + bytes(8) + (8).to_bytes(4, "big") + b"scripts\0"
    return b"\xed\xab\xee\xdb".ljust(96, b"\0") + section + section + gzip.compress(as_cpio(content))


def as_notebook(content: bytes) -> bytes:
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "source": [content.decode()],
        "execution_count": None,
    }
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def as_database(content: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("create table a (b)")
        database.execute("insert into a values (?)", (content.decode(),))
        database.commit()
        return database.serialize()


def as_pdf(content: bytes) -> bytes:
    packed = zlib.compress(b"(%b) Tj" % content.strip())
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(packed), packed)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>",
        stream,
    ]
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % (number, one) for number, one in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer << /Root 1 0 R >>\n%%EOF\n"


def as_mail(content: bytes) -> bytes:
    head = b"From: a@b.example\nTo: c@d.example\nMIME-Version: 1.0\nContent-Type: application/octet-stream; name=a\n"
    return head + b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(content)


def as_html(content: bytes) -> bytes:
    return b"<!doctype html>\n<html><p>" + content.replace(b"_", b"&#95;") + b"</p></html>\n"


def as_office(content: bytes) -> bytes:
    runs = b"".join(b"<w:r><w:t>%c</w:t></w:r>" % one for one in content)
    return b'<?xml version="1.0"?><w:document xmlns:w="w"><w:body><w:p>' + runs + b"</w:p></w:body></w:document>"


def as_iso(content: bytes) -> bytes:
    def both(number: int) -> bytes:
        return struct.pack("<I", number) + struct.pack(">I", number)

    def record(name: bytes, start: int, size: int, flags: int = 0) -> bytes:
        named = bytes((len(name),)) + name + bytes(len(name) % 2 == 0)
        body = b"\0" + both(start) + both(size) + bytes(7) + bytes((flags,)) + bytes(6) + named
        return bytes((len(body) + 1,)) + body

    root = record(b"\0", 18, 2048, 2)
    first = (b"\1CD001\1".ljust(156, b"\0") + root).ljust(2048, b"\0")
    folder = (root + record(b"\1", 18, 2048, 2) + record(b"A.;1", 19, len(content))).ljust(2048, b"\0")
    return bytes(16 * 2048) + first + b"\xffCD001\1".ljust(2048, b"\0") + folder + content.ljust(2048, b"\0")


def as_7z(content: bytes) -> bytes:
    size = bytes((len(content),))
    streams = b"\4\6\0\1\x09" + size + b"\0\7\x0b\1\0\1\1\0\x0c" + size + b"\0\0"
    directory = b"\1" + streams + b"\5\1\x11\5\0a\0\0\0\0\0"
    start = struct.pack("<QQI", len(content), len(directory), zlib.crc32(directory))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + content + directory


def as_cabinet(content: bytes) -> bytes:
    block = struct.pack("<IHH", 0, len(content), len(content)) + content
    listed = struct.pack("<IIHHHH", len(content), 0, 0, 0, 0, 0x80) + b"a\0"
    table = struct.pack("<IHH", 44 + len(listed), 1, 0)
    size = 44 + len(listed) + len(block)
    return struct.pack("<4s4xI4xI4xBBHHHHH", b"MSCF", size, 44, 3, 1, 1, 1, 0, 0, 0) + table + listed + block


def as_program(content: bytes) -> bytes:
    """ELF with a segment and no sections."""
    header = struct.pack("<2HI3QI6H", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<2I6Q", 1, 4, 120, 0, 0, len(content), len(content), 1)
    return b"\x7fELF\2\1\1".ljust(16, b"\0") + header + segment + content


def as_array(content: bytes) -> bytes:
    """One of objects."""
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + pickle.dumps([content.decode()], 3)


def as_modules(content: bytes) -> bytes:
    packed = zlib.compress(content)
    table = marshal.dumps([("a", (0, 17, len(packed)))])
    return b"PYZ\0\xa7\x0d\r\n" + struct.pack(">I", 17 + len(packed)) + bytes(5) + packed + table


MAKE: dict[str, Callable[[bytes], bytes]] = {
    "a zip archive": as_zip,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    "Zstandard": zstd.compress,
    "LZ4": lz4.frame.compress,
    "a git object": lambda content: zlib.compress(b"blob %d\0" % len(content) + content, 1),
    "zlib": zlib.compress,
    "a pickle": lambda content: pickle.dumps({"a": content.decode()}, 4),
    "a NumPy array": as_array,
    "an ar archive": as_ar,
    "a cpio archive": as_cpio,
    "an RPM package": as_rpm,
    "a Jupyter notebook": as_notebook,
    "a SQLite database": as_database,
    "a PDF document": as_pdf,
    "an e-mail message": as_mail,
    "an ISO 9660 image": as_iso,
    "a 7z archive": as_7z,
    "a cabinet": as_cabinet,
    "a native program": as_program,
    "a Nuitka payload": lambda content: b"KAXa\0\0" + struct.pack("<Q", len(content)) + content + b"\0",
    "a PyInstaller archive of modules": as_modules,
    "an HTML document": as_html,
    "text of an office document": as_office,
    "a container image": as_image,
    "a tar archive": as_tar,
}
"""How to make each; those that nobody opens are not here."""
OPENED = [known.name for known in FORMATS if known not in unsupported.FORMATS]


@pytest.fixture(scope="module")
def paths(
    tmp_path_factory: pytest.TempPathFactory, token: Callable[[str], str], buried: Callable[[str, bytes], bytes]
) -> list[str]:
    """Where the command finds something in a folder with one `.tar.gz` for each format."""
    folder = tmp_path_factory.mktemp("formats")
    for name, make in MAKE.items():
        content = f"token = '{token(name)}'\n".encode()
        (folder / f"{name}.tar.gz").write_bytes(buried("inner", make(content)))
    command = [sys.executable, "-m", "pitviper", "scan", ".", "-o", "json", "--strict"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    report = json.loads(done.stdout)
    assert (report["gaps"], done.returncode, done.stderr) == ([], 1, b"")
    return [finding["place"]["path"] for finding in report["findings"]]


def test_none_is_forgotten() -> None:
    assert sorted(MAKE) == sorted(OPENED)


@pytest.mark.parametrize("name", OPENED)
def test_is_recognised(name: str, token: Callable[[str], str]) -> None:
    content = MAKE[name](token(name).encode())
    found = recognise(content[:HEAD], content[-TAIL:])
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("name", OPENED)
def test_three_deep(paths: list[str], name: str) -> None:
    inside = [path for path in paths if path.startswith(f"{name}.tar.gz!/")]
    assert inside
    assert all(path.startswith(f"{name}.tar.gz!/a.whl!/inner!/") for path in inside)
