"""7z archives: written here, as the format has it."""

from __future__ import annotations

import base64
import bz2
import hashlib
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from pitviper.look import Outcome
from pitviper.model.gap import Gap, Reason
from pitviper.unpack import seven_zip, seven_zip_aes, seven_zip_coders
from pitviper.unpack.interface import Options

Opener = Callable[..., tuple[dict[str, bytes], list[Gap]]]
Coder = tuple[bytes, bytes, Callable[[bytes], bytes]]


def raw(filters: list[dict[str, Any]]) -> Callable[[bytes], bytes]:
    return lambda content: lzma.compress(content, lzma.FORMAT_RAW, filters=filters)


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def prepared(kind: int, **more: int) -> Callable[[bytes], bytes]:
    """What a filter makes of a content: that of stored LZMA2, without the headers of its chunks."""

    def prepare(content: bytes) -> bytes:
        packed = raw([{"id": kind, **more}, {"id": lzma.FILTER_LZMA2, "preset": 0}])(content)
        return lzma.decompress(packed, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}])

    return prepare


LZMA1 = {"id": lzma.FILTER_LZMA1, "preset": 1}
LZMA2 = {"id": lzma.FILTER_LZMA2, "preset": 1}
COPY: Coder = (b"\0", b"", lambda content: content)
CODERS: dict[str, list[Coder]] = {
    "copy": [COPY],
    "lzma": [(bytes.fromhex("030101"), lzma._encode_filter_properties(LZMA1), raw([LZMA1]))],  # type: ignore[attr-defined]
    "lzma2": [(b"\x21", lzma._encode_filter_properties(LZMA2), raw([LZMA2]))],  # type: ignore[attr-defined]
    "bzip2": [(bytes.fromhex("040202"), b"", bz2.compress)],
    "deflate": [(bytes.fromhex("040108"), b"", deflated)],
    "delta": [(b"\x03", b"\3", prepared(lzma.FILTER_DELTA, dist=4)), (bytes.fromhex("040108"), b"", deflated)],
}
CODERS["program"] = [(bytes.fromhex("03030103"), b"", prepared(lzma.FILTER_X86)), *CODERS["lzma"]]


def number(value: int) -> bytes:
    for more in range(8):
        if value < 1 << 7 * (more + 1):
            first = (0xFF00 >> more) & 0xFF | value >> 8 * more
            return bytes([first]) + (value & (1 << 8 * more) - 1).to_bytes(more, "little")
    return b"\xff" + value.to_bytes(8, "little")


def streams(
    packed: list[bytes], start: int, blocks: list[tuple[list[Coder], list[bytes]]], *, parts: bool = True
) -> bytes:
    out = b"\6" + number(start) + number(len(packed)) + b"\x09" + b"".join(number(len(one)) for one in packed) + b"\0"
    out += b"\7\x0b" + number(len(blocks)) + b"\0"
    sizes = b""
    for coders, files in blocks:
        out += number(len(coders))
        content = b"".join(files)
        for method, properties, pack in coders:
            out += bytes([len(method) | (0x20 if properties else 0)]) + method
            out += number(len(properties)) + properties if properties else b""
            sizes += number(len(content))
            content = pack(content)
        out += b"".join(number(place) + number(place + 1) for place in range(len(coders) - 1))
    out += b"\x0c" + sizes + b"\0"
    if parts:
        out += b"\x08\x0d" + b"".join(number(len(files)) for _, files in blocks)
        if any(len(files) > 1 for _, files in blocks):
            out += b"\x09" + b"".join(number(len(one)) for _, files in blocks for one in files[:-1])
        digests = [struct.pack("<I", zlib.crc32(one)) for _, files in blocks for one in files]
        out += b"\x0a\1" + b"".join(digests) + b"\0"
    return out + b"\0"


def packed(coders: list[Coder], files: list[bytes]) -> bytes:
    content = b"".join(files)
    for _, _, pack in coders:
        content = pack(content)
    return content


def archive(
    *blocks: tuple[str, dict[str, bytes]],
    is_packed: str = "",
    empty: int = 0,
    other: dict[str, list[Coder]] | None = None,
) -> bytes:
    """An archive with these blocks of files, each with its way of packing, and maybe one for the directory."""
    ways = CODERS | (other or {})
    told = [(ways[way], list(files.values())) for way, files in blocks]
    bodies = [packed(coders, files) for coders, files in told]
    names = [*(f"folder {place}" for place in range(empty)), *(name for _, files in blocks for name in files)]
    listed = b"\0" + "".join(f"{name}\0" for name in names).encode("utf-16-le")
    properties = b""
    if empty:
        bits = int("1" * empty + "0" * (len(names) - empty) + "0" * (-len(names) % 8), 2).to_bytes(
            -(-len(names) // 8), "big"
        )
        properties = b"\x0e" + number(len(bits)) + bits
    properties += b"\x11" + number(len(listed)) + listed
    header = b"\1\4" + streams(bodies, 0, told) + b"\5" + number(len(names)) + properties + b"\0\0"
    body = b"".join(bodies)
    if is_packed:
        inner = packed(ways[is_packed], [header])
        header, body = b"\x17" + streams([inner], len(body), [(ways[is_packed], [header])], parts=False), body + inner
    start = struct.pack("<QQI", len(body), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(start)) + start + body + header


TEXT = b"some text that packs well, well, well " * 300
FILES = {"a.txt": b"first", "folder/ü.txt": b"second " * 3000}


@pytest.mark.parametrize("is_packed", ["", "lzma"])
@pytest.mark.parametrize("way", CODERS)
def test_files_of_a_solid_block(opened: Opener, way: str, is_packed: str) -> None:
    found, gaps = opened(seven_zip.FORMAT, archive((way, FILES), is_packed=is_packed, empty=3))
    assert not gaps
    assert {path[3:]: content for path, content in found.items() if path != "x"} == FILES


def test_several_blocks(opened: Opener) -> None:
    found, gaps = opened(seven_zip.FORMAT, archive(("copy", {"a": b"1"}), ("lzma2", {"b": b"2", "c": b"3"})))
    assert not gaps
    assert [found[f"x!/{name}"] for name in "abc"] == [b"1", b"2", b"3"]


def test_big_programs(opened: Opener) -> None:
    content = b"\xe8\1\2\3\0text" * 30_000
    found, gaps = opened(seven_zip.FORMAT, archive(("program", {"a.exe": content})))
    assert not gaps
    assert found["x!/a.exe"] == content


def test_an_empty_archive(opened: Opener) -> None:
    content = b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(bytes(20))) + bytes(20)
    assert opened(seven_zip.FORMAT, content) == ({}, [])


def key(password: str, salt: bytes, power: int) -> bytes:
    """A key, round by round."""
    digest = hashlib.sha256()
    for count in range(1 << power):
        digest.update(salt + password.encode("utf-16-le") + count.to_bytes(8, "little"))
    return digest.digest()


def locked(password: str = "pässword", salt: bytes = b"", first: bytes = b"0" * 16, power: int = 6) -> Coder:
    """A coder that encrypts."""
    properties = bytes((power | 0x80 * bool(salt) | 0x40 * bool(first),))
    properties += bytes((max(len(salt) - 1, 0) << 4 | max(len(first) - 1, 0),)) + salt + first

    def encrypt(content: bytes) -> bytes:
        secret = password.encode("utf-16-le").ljust(32, b"\0") if power == 63 else key(password, salt, power)
        cipher = Cipher(AES(secret), CBC(first.ljust(16, b"\0"))).encryptor()
        return cipher.update(content + bytes(-len(content) % 16))

    return bytes.fromhex("06f10701"), properties, encrypt


OF_PY7ZR = base64.b64decode(
    "N3q8ryccAAS7nOYYkAAAAAAAAAAoAAAAAAAAAPW5fqfuWTEJ0bi5Uenfl7+k01NuN9LUEI7WDo3lL46lBhphDuPtQ+J1V/pKc/jvuw2lupkWLMGr"
    "V7UfTMdC+HqqXTAQ19gszsj2pysVPRgNn2FAuAQN7d2YS1BvsnyW3MQWueUl9fK/a6Pfnr511p3LKv86XkN0fkILGM1t8mnuqrvVcgXasLs6nzxU"
    "7EesZ+YNTB4XBjABCWAABwsBAAEkBvEHARJTD9SIUwF4QYbpox73BcnCVUwMXQAA"
)
"""Written by py7zr 1.1.4 with the password `password`: names are hidden, 2^19 rounds."""


class TestEncryption:
    FITS = Options(archive_password=("wrong", "wrong too", "pässword"))

    @pytest.mark.parametrize("is_packed", ["", "lzma", "locked", "hidden"])
    @pytest.mark.parametrize("way", CODERS)
    def test_each_way_of_packing(self, opened: Opener, way: str, is_packed: str) -> None:
        ways = {"locked": [*CODERS[way], locked()], "hidden": [*CODERS["lzma"], locked()]}
        whole = archive(("locked", FILES), ("copy", {"open": b"1"}), is_packed=is_packed, other=ways)
        found, gaps = opened(seven_zip.FORMAT, whole, self.FITS)
        assert not gaps
        assert {path[3:]: content for path, content in found.items() if path != "x"} == {**FILES, "open": b"1"}
        for wrong in ((), ("no", "neither")):
            _, gaps = opened(seven_zip.FORMAT, whole, Options(archive_password=wrong))
            hidden = ["x"] if is_packed in {"locked", "hidden"} else [f"x!/{name}" for name in FILES]
            assert [(gap.path, gap.reason) for gap in gaps] == [(path, Reason.ENCRYPTED) for path in hidden]

    def test_as_another_program_writes_it(self, opened: Opener) -> None:
        found, gaps = opened(seven_zip.FORMAT, OF_PY7ZR, Options(archive_password=("no", "password")))
        assert (found["x!/a"], gaps) == (b"a text of some length, of some length", [])
        _, gaps = opened(seven_zip.FORMAT, OF_PY7ZR, Options(archive_password=("no",)))
        assert [(gap.path, gap.reason) for gap in gaps] == [("x", Reason.ENCRYPTED)]

    @pytest.mark.parametrize(
        "coder",
        [
            locked(salt=b"s"),
            locked(salt=b"salt" * 4, first=b"8 bytes."),
            locked(first=b""),
            locked(power=0),
            locked(power=17),
            locked(power=63),
        ],
        ids=lambda coder: coder[1].hex(),
    )
    def test_keys(self, opened: Opener, coder: Coder) -> None:
        found, gaps = opened(seven_zip.FORMAT, archive(("locked", FILES), other={"locked": [coder]}), self.FITS)
        assert (found["x!/a.txt"], gaps) == (FILES["a.txt"], [])

    def test_a_password_for_each_block(self, opened: Opener) -> None:
        ways = {name: [*CODERS["lzma2"], locked(name)] for name in ("one", "two")}
        whole = archive(("one", {"a": b"1"}), ("two", {"b": b"2"}), ("one", {"c": b"3"}), other=ways)
        found, gaps = opened(seven_zip.FORMAT, whole, Options(archive_password=("two", "one")))
        assert ([found[f"x!/{name}"] for name in "abc"], gaps) == ([b"1", b"2", b"3"], [])

    def test_big_ones_of_which_the_beginning_decides(self, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(seven_zip_coders, "_TRIAL", 1000)
        whole = archive(("locked", {"a": TEXT}), other={"locked": [*CODERS["lzma"], locked()]})
        found, gaps = opened(seven_zip.FORMAT, whole, self.FITS)
        assert (found["x!/a"], gaps) == (TEXT, [])

    @pytest.mark.parametrize("power", [25, 40, 62])
    def test_rounds_without_end(self, opened: Opener, power: int) -> None:
        coder = bytes.fromhex("06f10701"), bytes((power, 0)), bytes
        _, gaps = opened(seven_zip.FORMAT, archive(("locked", {"a": bytes(16)}), other={"locked": [coder]}), self.FITS)
        assert [(gap.path, gap.reason) for gap in gaps] == [("x!/a", Reason.OVER_BUDGET)]

    def test_keys_without_end(self, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(seven_zip_aes, "_MOST_ROUNDS", 1 << 12)
        ways = {f"{number}": [locked(salt=b"%d" % number, power=10)] for number in range(9)}
        whole = archive(*((name, {name: b"1"}) for name in ways), other=ways)
        found, gaps = opened(seven_zip.FORMAT, whole, Options(archive_password=("pässword",)))
        assert sum(path != "x" for path in found) == 4
        assert {gap.reason for gap in gaps} == {Reason.OVER_BUDGET}

    def test_properties_that_are_cut_short(self, opened: Opener) -> None:
        coder = bytes.fromhex("06f10701"), b"\xd3\xff1234", bytes
        _, gaps = opened(seven_zip.FORMAT, archive(("locked", {"a": bytes(16)}), other={"locked": [coder]}), self.FITS)
        assert [(gap.path, gap.reason) for gap in gaps] == [("x!/a", Reason.DAMAGED)]


@pytest.mark.parametrize(
    ("method", "reason"),
    [("06f10701", Reason.ENCRYPTED), ("030401", Reason.UNSUPPORTED), ("040109", Reason.UNSUPPORTED)],
)
def test_what_cannot_be_unpacked_is_told(opened: Opener, method: str, reason: Reason) -> None:
    coder: Coder = (bytes.fromhex(method), b"", lambda content: content)
    found, gaps = opened(seven_zip.FORMAT, archive(("odd", {"a": b"1"}), ("copy", {"b": b"2"}), other={"odd": [coder]}))
    assert [(gap.path, gap.reason) for gap in gaps] == [("x!/a", reason)]
    assert found["x!/b"] == b"2"


def test_a_broken_block_does_not_hide_the_next(opened: Opener) -> None:
    coder: Coder = (bytes.fromhex("040202"), b"", lambda _: b"no bzip2")
    found, gaps = opened(seven_zip.FORMAT, archive(("odd", {"a": b"1"}), ("copy", {"b": b"2"}), other={"odd": [coder]}))
    assert {gap.reason for gap in gaps} == {Reason.DAMAGED}
    assert found["x!/b"] == b"2"


def test_a_checksum_that_does_not_fit(opened: Opener) -> None:
    content = archive(("copy", {"a": b"first"})).replace(b"first", b"other", 1)
    found, gaps = opened(seven_zip.FORMAT, content)
    assert [gap.reason for gap in gaps] == [Reason.DAMAGED]
    assert found["x!/a"] == b"other"


def test_bombs_are_cut(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seven_zip, "_MOST_SKIPPED", 0)
    content = archive(("lzma2", {"bomb": bytes(10_000_000), "behind": b"x"}))
    _, gaps = opened(seven_zip.FORMAT, content, Options(max_expanded=1_000_000))
    assert Reason.OVER_BUDGET in {gap.reason for gap in gaps}


def test_a_block_in_a_circle(opened: Opener) -> None:
    content = archive(("delta", {"a": b"1" * 100}))
    header = content.index(b"\x07\x0b")
    broken = bytearray(content)
    pair = broken.index(b"\x00\x01\x0c", header)
    broken[pair : pair + 2] = b"\1\1"
    start = struct.pack(
        "<QQI", *struct.unpack("<QQ", broken[12:28]), zlib.crc32(broken[32 + struct.unpack("<Q", broken[12:20])[0] :])
    )
    broken[12:32] = start
    _, gaps = opened(seven_zip.FORMAT, bytes(broken))
    assert {gap.reason for gap in gaps} == {Reason.DAMAGED}


SAMPLE = archive(
    ("delta", {"a": b"1" * 300}),
    ("copy", {"b": b"2", "c": b"3"}),
    ("locked", {"d": b"4"}),
    empty=2,
    other={"locked": [locked()]},
)


def test_half_an_archive(opened: Opener, cuts: Callable[[bytes], Iterator[bytes]]) -> None:
    for content in cuts(SAMPLE):
        opened(seven_zip.FORMAT, content)


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 255)), min_size=1, max_size=12))
def test_flipped_bytes_of_the_directory(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(SAMPLE)
    start = 32 + struct.unpack("<Q", content[12:20])[0]
    for place, value in changes:
        content[start + place % (len(content) - start)] = value
    content[28:32] = struct.pack("<I", zlib.crc32(content[start:]))
    opened(seven_zip.FORMAT, bytes(content), Options(archive_password=("pässword",)))


@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_flipped_bytes(opened: Opener, changes: list[tuple[int, int]]) -> None:
    content = bytearray(SAMPLE)
    for place, value in changes:
        content[place] = value
    opened(seven_zip.FORMAT, bytes(content), Options(archive_password=("pässword",)))


def test_three_deep(
    token: Callable[[str], str], buried: Callable[[str, bytes], bytes], scanned: Callable[[str, bytes], Outcome]
) -> None:
    content = archive(("lzma2", {"x": b"1", ".env": f"TOKEN={token('7z')}\n".encode()}), is_packed="lzma")
    outcome = scanned("a.tar.gz", buried("a.7z", content))
    (finding,) = outcome.findings
    assert not outcome.gaps
    assert finding.place.path == "a.tar.gz!/a.whl!/a.7z!/.env"
